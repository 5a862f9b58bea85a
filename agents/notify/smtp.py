"""Hands a mail over to a mail server. In: the bytes of a mail, whose it is and whom it is for. Out: an Answer.

The one rule: a mail is delivered when the server said so after the last line of it; a server that says nothing is hung
up on. `smtplib` works in a thread; a few threads are all that it gets, so that mail holds up nothing else.
"""

import asyncio
import contextlib
import smtplib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

from pipeline.notify.answer import DELIVERED, Answer, Outcome
from pipeline.notify.message import plain
from pipeline.notify.rules import MailServer

STEP_SECONDS_MAX = 10.0
"""For each answer of the server."""
MAIL_SECONDS_MAX = 30.0
"""For all of them together."""
THREADS_MAX = 8


class Mailer:
    """`password`: of the mail server's user, empty where there is none."""

    def __init__(self, server: MailServer, password: str) -> None:
        self._server = server
        self._password = password
        self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="smtp")
        self._places = asyncio.Semaphore(THREADS_MAX)

    async def send(self, mail: bytes, to: str) -> Answer:
        """Never raises but CancelledError."""
        async with self._places:
            client = _Client(self._server.host)
            done = asyncio.get_running_loop().run_in_executor(self._threads, self._send, client, mail, to)
            try:
                return await asyncio.wait_for(asyncio.shield(done), MAIL_SECONDS_MAX)
            except TimeoutError:
                client.hang_up()
                with contextlib.suppress(Exception):
                    await done
                return Answer(Outcome.AGAIN, f"the mail server took more than {MAIL_SECONDS_MAX:.0f} s")
            except asyncio.CancelledError:
                client.hang_up()
                raise

    def close(self) -> None:
        """Waits for nobody."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _send(self, client: "_Client", mail: bytes, to: str) -> Answer:
        try:
            self._talk(client, mail, to)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            return _refused(code, said)
        except smtplib.SMTPDataError as error:
            return _refused(error.smtp_code, error.smtp_error)
        except smtplib.SMTPResponseException as error:  # of the password or the sender: that can be mended
            return Answer(Outcome.AGAIN, _refused(error.smtp_code, error.smtp_error).why)
        except smtplib.SMTPNotSupportedError as error:
            return Answer(Outcome.AGAIN, plain(f"the mail server cannot do what [email] asks for: {error}"))
        except ssl.SSLError as error:
            return Answer(Outcome.AGAIN, f"no safe connection to the mail server: {error.reason or error}")
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return Answer(Outcome.AGAIN, plain(f"the mail server: {type(error).__name__}: {error}"))
        return DELIVERED

    def _talk(self, client: "_Client", mail: bytes, to: str) -> None:
        server = self._server
        client.secure = server.security == "tls"
        client.connect(server.host, server.port)
        try:
            if server.security == "starttls":
                client.starttls(context=ssl.create_default_context())
            if server.username:
                client.login(server.username, self._password)
            client.sendmail(server.sender, [to], mail)
        finally:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                client.putcmd("quit")  # its answer changes nothing, and may never come
            client.close()


class _Client(smtplib.SMTP):
    """One that can be hung up on from another thread, and speaks TLS from the beginning where that is wanted."""

    secure = False

    def __init__(self, host: str) -> None:
        super().__init__(local_hostname=socket.gethostname(), timeout=STEP_SECONDS_MAX)  # without asking the DNS
        self._host = host  # whose certificate is wanted

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        if not self.secure:
            return plain
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)

    def hang_up(self) -> None:
        """Ends whatever it waits for."""
        if (sock := self.sock) is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _refused(code: int, said: bytes | str) -> Answer:
    """4xx is for now, 5xx for ever (RFC 5321, 4.2.1). What the server says is cut: it may be anything."""
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    why = f"the mail server refused with {code}: {plain(words, 200)}"
    return Answer(Outcome.NEVER if 500 <= code < 600 else Outcome.AGAIN, why)
