"""`cem kafka`: a real Kafka in the foreground, for trying things out.

In: a port and a data folder. Out: the bootstrap address on standard output, as text or as one line of JSON.
The one rule: it runs until Ctrl-C or SIGTERM, and then ends cleanly with exit code 0. A port in use is exit
code 2; a Kafka that does not start, or ends by itself, is exit code 1.
"""

import json
import signal
import sys
import time
from pathlib import Path

import click

from agents.kafka.embedded import LOG_LINES_SHOWN, EmbeddedKafka
from agents.kafka.jars import VERSION
from agents.kafka.node import EmbeddedKafkaError, PortTakenError

POLL_SECONDS = 0.5


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=9092, show_default=True, help="0 takes a free one.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that keeps topics between runs; a temporary one by default.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON instead of text.")
def kafka(port: int, data: Path | None, as_json: bool) -> None:
    """Run an embedded Apache Kafka in the foreground until Ctrl-C.

    The first run fetches Kafka (about 45 MB) into the user's cache folder; Java comes with this package.

    \b
    Example:
      cem kafka --data ./kafka-data
      export CEM_KAFKA=127.0.0.1:9092     # in another terminal
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # SIGTERM then ends it just as Ctrl-C does
    try:
        with EmbeddedKafka(port=port or None, data=data) as broker:
            click.echo(_as_json(broker) if as_json else _as_text(broker, data))
            while broker.alive:
                time.sleep(POLL_SECONDS)
            log = broker.log_path.read_text(errors="replace").splitlines()
            raise EmbeddedKafkaError("\n".join(["Kafka ended by itself; the end of its log:", *log[-LOG_LINES_SHOWN:]]))
    except KeyboardInterrupt:
        return
    except PortTakenError as error:
        click.echo(f"{error} (--port)", err=True)
        sys.exit(2)
    except EmbeddedKafkaError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def _as_json(broker: EmbeddedKafka) -> str:
    log = str(broker.log_path)
    return json.dumps({"bootstrap": broker.bootstrap, "version": VERSION, "pid": broker.pid, "log": log})


def _as_text(broker: EmbeddedKafka, data: Path | None) -> str:
    kept = f"kept in {data}" if data else "gone when it stops (--data DIR keeps it)"
    return (
        f"Apache Kafka {VERSION} runs at {broker.bootstrap}; data {kept}; log {broker.log_path}\n"
        f"  export CEM_KAFKA={broker.bootstrap}\n"
        "Ctrl-C stops it."
    )
