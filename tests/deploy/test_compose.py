"""The compose file starts what the service is: a Kafka that takes its settings, topics, and workers with few rights.

In: `docker-compose.kafka.yml`. Out: verdicts. The one rule: what Docker would do is done without it as far as that
goes.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import yaml
from click.testing import CliRunner

from agents.archive.migrations import migrate
from agents.cli import main
from agents.cli.web import checked
from agents.service import BARRIER_SHARE
from agents.settings import Settings, load
from tests.deploy.compose import (
    COMPOSE,
    FILE,
    KAFKA,
    KEY,
    OURS,
    ROOT,
    RUNNING,
    SERVICES,
    TEXT,
    THEIRS,
    TOPICS,
    WORKER,
    environment,
    interpolated,
    seconds,
)
from tests.postgres import PostgresServer, postgres_server  # noqa: F401

SAYS_SECONDS_MAX = 60.0


class TestSettings:
    def test_every_variable_is_a_setting(self) -> None:
        """No CEM_ variable in the file, set, passed on or mentioned, is one that the service does not know."""
        known = {f"CEM_{name.upper()}" for name in Settings.__struct_fields__} | {"CEM_CONFIG"}
        assert set(re.findall(r"\bCEM_[A-Z_]+", TEXT)) <= known

    @pytest.mark.parametrize("name", OURS)
    def test_the_settings_are_valid(self, name: str) -> None:
        """`cem` takes the values, and finds Kafka where the file puts it."""
        settings = load(environment(OURS[name])).settings
        listeners = environment(KAFKA)["KAFKA_ADVERTISED_LISTENERS"].split(",")
        assert settings.kafka in [listener.partition("://")[2] for listener in listeners]

    @pytest.mark.parametrize("name", OURS)
    def test_the_topics_are_those_of_the_workers(self, name: str) -> None:
        """What decides how topics are called and shaped is the same for who creates and who uses them."""
        shaping = {f"CEM_{name}" for name in ("KAFKA", "PREFIX", "INPUT_PARTITIONS", "EVENTS_PARTITIONS")}
        shaping.add("CEM_REPLICATION_FACTOR")
        assert shaping <= TOPICS["environment"].keys()
        assert {one: OURS[name]["environment"][one] for one in shaping} == {
            one: TOPICS["environment"][one] for one in shaping
        }

    @pytest.mark.parametrize(
        ("name", "variable"),
        [
            ("worker", "CEM_AUTHOR_KEY"),
            ("web", "CEM_WEB_SECRET"),
            ("archive", "CEM_POSTGRES"),
            ("postgres", "POSTGRES_PASSWORD"),
            ("postgres", "GRAFANA_READS_PASSWORD"),
            ("grafana", "HISTORY_PASSWORD"),
            ("grafana", "GF_SECURITY_ADMIN_PASSWORD"),
        ],
    )
    def test_a_secret_must_be_given(self, name: str, variable: str) -> None:
        """Without secrets nothing starts, and compose says what to set; there is no default to forget about."""
        assert re.search(
            r"\$\{(\w+):\?set \1, .+\}|\$\{(\w+):\?set \2 to .+\}", SERVICES[name]["environment"][variable]
        )

    def test_nothing_that_sounds_secret_has_a_value(self) -> None:
        """No password, key or secret stands in the file."""
        for service in SERVICES.values():
            for name, value in (service.get("environment") or {}).items():
                if re.search(r"PASSWORD|SECRET|_KEY|TOKEN", name):
                    assert value is None or ":?" in value

    def test_the_example_names_every_variable(self) -> None:
        """`.env.example` has each variable that must be set, without a value, and each other that may be."""
        lines = (ROOT / ".env.example").read_text().splitlines()
        must = {line[:-1] for line in lines if re.fullmatch(r"[A-Z_]+=", line)}
        may = {match[1] for line in lines if (match := re.fullmatch(r"# ([A-Z_]+)=.+", line))}
        assert {match[1] for match in re.finditer(r"\$\{(\w+):\?", TEXT)} == must
        assert {match[1] for match in re.finditer(r"\$\{(\w+):-", TEXT)} <= may
        passed_on = {name for one in OURS.values() for name, value in one["environment"].items() if value is None}
        known = passed_on | {match[1] for match in re.finditer(r"\$\{(\w+):", TEXT)}
        assert may <= known

    @pytest.mark.parametrize("name", [name for name in OURS if name != "demo"])
    def test_the_commands_are_there(self, name: str) -> None:
        """What the containers run is a command of `cem`."""
        assert CliRunner().invoke(main, [*OURS[name]["command"], "--help"]).exit_code == 0

    @pytest.mark.parametrize("name", ["worker", "web", "notify", "archive"])
    def test_each_command_gets_as_far_as_kafka(self, name: str, tmp_path: Path) -> None:
        """Run as a plain process with the file's own settings, a service misses nothing but its Kafka."""
        own = environment(OURS[name]) | {
            "CEM_KAFKA": "127.0.0.1:1,hangs-up", "CEM_NOTIFY": str(ROOT / "deploy/compose/notify.toml"),
            "SLACK_URL": "https://hooks.example.com/x", "CEM_HTTP_PORT": "0", "CEM_WEB_PORT": "0",
        }  # fmt: skip
        missed, said, log = ("hangs-up", "PostgreSQL does not answer", "listening"), "", tmp_path / "log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "agents.cli", *OURS[name]["command"]],
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **own}, stdout=output, stderr=output,
            )  # fmt: skip
        deadline = time.monotonic() + SAYS_SECONDS_MAX
        try:
            while not any(word in said for word in missed) and time.monotonic() < deadline:
                ended = process.poll() is not None
                said = log.read_text()
                if ended:
                    break
                time.sleep(0.1)
        finally:  # it waits for Kafka, as it should
            process.kill()
            process.wait()
        assert any(word in said for word in missed), said
        assert "is set; export" not in said and "CEM_WEB" not in said and "Traceback" not in said, said


class TestRights:
    @pytest.mark.parametrize("name", OURS)
    def test_few_rights(self, name: str) -> None:
        """A container of ours is not root (the image's user holds), gains no rights and writes nothing but /tmp."""
        service = OURS[name]
        assert service["build"] == {"context": ".", "dockerfile": "deploy/Dockerfile"}
        assert (ROOT / service["build"]["dockerfile"]).exists()
        assert service.keys().isdisjoint({"user", "privileged", "cap_add", "network_mode", "pid"})
        assert all(mount.endswith(":ro") for mount in service.get("volumes", []))
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["read_only"] is True
        assert [mount.partition(":")[0] for mount in service["tmpfs"]] == ["/tmp"]

    @pytest.mark.parametrize("name", THEIRS)
    def test_others_have_few_rights_too(self, name: str) -> None:
        """Nothing may gain rights; but for Kafka, whose start-up writes its settings, nothing writes into its image."""
        service = THEIRS[name]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service.keys().isdisjoint({"privileged", "network_mode", "pid"})
        if name != "kafka":
            assert (True, ["ALL"]) == (service["read_only"], service["cap_drop"])

    @pytest.mark.parametrize("name", THEIRS)
    def test_versions_are_pinned(self, name: str) -> None:
        """An image is of one version, which a later start has again."""
        assert re.fullmatch(r"[\w./-]+:v?\d+(\.\d+)+", THEIRS[name]["image"])

    @pytest.mark.parametrize("name", SERVICES)
    def test_everything_is_bounded(self, name: str) -> None:
        """No container may take the whole machine."""
        assert {"cpus", "memory"} == SERVICES[name]["deploy"]["resources"]["limits"].keys()

    def test_nothing_is_published_beyond_this_machine(self) -> None:
        """Whoever wants to reach it from elsewhere must say so; what only containers ask is not published at all."""
        ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
        assert {"kafka", "worker", "web", "prometheus", "alertmanager", "grafana"} == ports.keys()
        assert all(port.startswith("127.0.0.1:") for several in ports.values() for port in several)


class TestParts:
    def test_the_demo_plays_with_commands_that_there_are(self) -> None:
        """Each `cem` in its script is a command with these options; it refuses to play into a wall clock."""
        [script] = SERVICES["demo"]["command"]
        for words in re.findall(r"^ *cem ([^&\n]+)", script, re.MULTILINE):
            assert CliRunner().invoke(main, [*words.split(), "--help"]).exit_code == 0, words
        run = [*SERVICES["demo"]["entrypoint"], script.replace("$$", "$")]
        done = subprocess.run(run, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=30)
        assert (2, True) == (done.returncode, "CEM_CLOCK=data" in done.stderr)

    def test_the_demo_plays_all_that_was_said(self, tmp_path: Path) -> None:
        """Posts and feedback, in one history: without feedback there are no scores and no recovery cases."""
        [script] = SERVICES["demo"]["command"]
        stub = tmp_path / "cem"
        stub.write_text(
            f'#!/bin/sh\ncd {tmp_path}\ncase "$1" in\n'
            "scenario) echo post > posts.jsonl; echo feedback > feedback.jsonl;;\n"
            'ingest) cp "$2" played;;\nesac\n'
        )
        stub.chmod(0o755)
        run = [*SERVICES["demo"]["entrypoint"], script.replace("$$", "$").replace("/tmp/world", str(tmp_path))]
        subprocess.run(run, env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "CEM_CLOCK": "data"}, check=True)
        assert ["post", "feedback"] == (tmp_path / "played").read_text().split()

    @pytest.mark.parametrize("name", RUNNING)
    def test_each_is_watched_and_started_again(self, name: str) -> None:
        """Whatever stays has a health check (ours: the image's, or one that asks its own port) and a restart policy."""
        service = SERVICES[name]
        assert "unless-stopped" == service["restart"]
        asked = re.findall(r"127\.0\.0\.1:(\d+)|localhost:(\d+)", str(service.get("healthcheck", "")))
        published = [port.rpartition(":")[2] for port in service.get("ports", [])]
        if name in ("worker", "notify", "archive"):
            assert "healthcheck" not in service and "0.0.0.0" == service["environment"]["CEM_HTTP_HOST"]
        elif name not in ("postgres", "kafka"):
            assert published == [one or other for one, other in asked]
        else:
            assert service["healthcheck"]["test"]

    def test_what_is_mounted_is_there(self) -> None:
        """Every path of this folder that a container mounts exists; every volume is declared, and used."""
        mounts = [interpolated(mount).split(":")[0] for one in SERVICES.values() for mount in one.get("volumes", [])]
        paths = [mount for mount in mounts if mount.startswith(".")]
        assert len(paths) >= 5 and [] == [path for path in paths if not (ROOT / path).exists()]
        assert {mount for mount in mounts if not mount.startswith(".")} == COMPOSE["volumes"].keys()

    def test_what_is_asked_is_there(self) -> None:
        """Each target of Prometheus and of Grafana is a service of the file, at a port that it listens on."""
        config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
        targets = {"alertmanager:9093"}
        for job in config["scrape_configs"]:
            targets |= {target for some in job.get("static_configs", []) for target in some["targets"]}
            targets |= {f"{name}:{dns['port']}" for dns in job.get("dns_sd_configs", []) for name in dns["names"]}
        grafana = environment(SERVICES["grafana"])
        targets |= {grafana["HISTORY_ADDRESS"], grafana["METRICS_URL"].removeprefix("http://")}
        listening = {"worker": 8080, "notify": 8080, "archive": 8080, "web": Settings().web_port}
        listening |= {"postgres": 5432, "prometheus": 9090, "alertmanager": 9093, "localhost": 9090}
        assert [] == [one for one in targets if listening.get(one.split(":")[0]) != int(one.split(":")[1])]

    def test_grafana_is_given_what_it_asks_for(self) -> None:
        """Each variable of the provisioned data sources is set."""
        sources = (ROOT / "deploy/grafana/provisioning/datasources/cem.yml").read_text()
        assert {*re.findall(r"\$\{(\w+)\}", sources)} <= SERVICES["grafana"]["environment"].keys()
        dashboards = yaml.safe_load((ROOT / "deploy/grafana/provisioning/dashboards/cem.yml").read_text())
        folder = dashboards["providers"][0]["options"]["path"]
        assert any(mount.split(":")[1] == folder for mount in SERVICES["grafana"]["volumes"])

    def test_alarms_have_a_receiver(self) -> None:
        """Every route of Alertmanager leads to a receiver that is there; inhibited alarms are rules that are there."""
        config = yaml.safe_load((ROOT / "deploy/prometheus/alertmanager.yml").read_text())
        receivers = {one["name"] for one in config["receivers"]}
        assert {config["route"]["receiver"], *(one["receiver"] for one in config["route"]["routes"])} <= receivers
        rules = (ROOT / "deploy/prometheus/rules.yml").read_text()
        named = set(re.findall(r"\bCem\w+", str(config["inhibit_rules"])))
        assert named <= set(re.findall(r"alert: (\w+)", rules))

    def test_the_example_of_recipients_is_right(self) -> None:
        """`cem notify check` finds nothing wrong in it."""
        mount = interpolated(SERVICES["notify"]["volumes"][0]).split(":")[0]
        done = CliRunner().invoke(main, ["notify", "check", "--no-secrets", str(ROOT / mount)])
        assert done.exit_code == 0, done.output

    def test_people_can_sign_in_at_a_proxy(self) -> None:
        """What the console needs for it can be set, and the example of roles is one."""
        web = SERVICES["web"]
        assert {"CEM_WEB_TRUSTED_PROXIES", "CEM_WEB_ROLES"} <= web["environment"].keys()
        example, mounted, _ = interpolated(web["volumes"][0]).split(":")
        assert f"# CEM_WEB_ROLES={mounted}\n" in (ROOT / ".env.example").read_text()
        settings = load(
            environment(web), None, web_trusted_proxies="172.18.0.1", web_roles=str(ROOT / example)
        ).settings
        viewer = checked(settings).viewer("ana@example.com", ["head-office"])
        assert viewer is not None and "head_office" == viewer.role

    def test_grafana_reads_the_history_and_nothing_else(self, postgres_server: PostgresServer) -> None:  # noqa: F811
        """The login that the file makes may read the views of analysts, and no table."""
        if shutil.which("psql") is None:
            pytest.skip("psql is not installed (apt-get install postgresql-client)")
        dsn = postgres_server.database(migrated=False)
        given = psycopg.conninfo.conninfo_to_dict(dsn)
        script = ROOT / SERVICES["postgres"]["volumes"][1].split(":")[0]
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("DROP ROLE IF EXISTS grafana")
        own = {
            "PATH": os.environ["PATH"], "GRAFANA_READS_PASSWORD": "it's 'one'", "POSTGRES_USER": str(given["user"]),
            "POSTGRES_DB": str(given["dbname"]), "PGHOST": str(given["host"]), "PGPORT": str(given["port"]),
            "PGPASSWORD": str(given.get("password", "")),
        }  # fmt: skip
        subprocess.run(["sh", str(script)], env=own, check=True, timeout=60)
        migrate(dsn)
        grafana = psycopg.conninfo.make_conninfo(dsn, user="grafana", password=own["GRAFANA_READS_PASSWORD"])
        with psycopg.connect(grafana) as connection:
            (view,) = connection.execute(
                "SELECT viewname FROM pg_views WHERE schemaname = 'history' LIMIT 1"
            ).fetchone()
            connection.execute(f"SELECT * FROM history.{view} LIMIT 1")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT * FROM cem.insight")


class TestWorkers:
    def test_many_do_not_collide(self) -> None:
        """`--scale worker=3` works: no fixed name, and each worker gets a free port of the host."""
        assert "container_name" not in WORKER
        assert WORKER["ports"] == [f"127.0.0.1::{Settings().http_port}"]

    def test_they_start_when_they_can_work(self) -> None:
        """Kafka answers, then the topics are there, then the workers start."""
        assert TOPICS["depends_on"] == {"kafka": {"condition": "service_healthy"}}
        assert WORKER["depends_on"]["topics"] == {"condition": "service_completed_successfully"}
        assert "test" in KAFKA["healthcheck"]

    def test_they_are_started_again(self) -> None:
        """A worker that ends itself comes back; the one-shot that has ended does not."""
        assert WORKER["restart"] == "unless-stopped"
        assert "restart" not in TOPICS

    def test_they_have_time_to_give_up_their_partitions(self) -> None:
        """Stopping waits longer than the barrier may take, so that no alert is sent twice for it."""
        barrier_seconds = Settings().session_timeout_seconds * BARRIER_SHARE
        assert seconds(WORKER["stop_grace_period"]) >= barrier_seconds * 1.5

    def test_they_answer_outside_their_container(self) -> None:
        """/metrics, /live and /ready listen where the published port leads."""
        assert WORKER["environment"]["CEM_HTTP_HOST"] == "0.0.0.0"


class TestClient:
    @pytest.fixture(scope="class")
    def client(self) -> list[str]:
        """The client's command that checks and prints the file; it needs no engine."""
        compose = ["docker", "compose"]
        if shutil.which("docker") is None or subprocess.run([*compose, "version"], capture_output=True).returncode:
            pytest.skip("no docker compose client is installed; the file's structure is checked by the other tests")
        return [*compose, "-f", str(FILE), "config"]

    def test_the_client_takes_the_file(self, client: list[str]) -> None:
        """docker compose itself finds nothing wrong in it."""
        secrets = dict.fromkeys(re.findall(r"\$\{(\w+):\?", TEXT), KEY)
        done = subprocess.run(client, env=os.environ | secrets, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def test_the_client_asks_for_the_key(self, client: list[str]) -> None:
        """docker compose refuses to start without the key and says what to set."""
        without = {name: value for name, value in os.environ.items() if name != "CEM_AUTHOR_KEY"}
        done = subprocess.run(client, env=without, capture_output=True, text=True)
        assert done.returncode != 0
        assert "set CEM_AUTHOR_KEY to at least 16 secret characters" in done.stderr
