"""A console that runs: the real application on a free port, in a thread of its own, without Kafka.

In: a Model. Out: its address, and ways to change what it knows as a feed would. What is sent to Kafka is kept in
`sent`; where `answering`, the log's answer comes back at once, made by the real rules of the lifecycle.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Self

import msgspec
from aiohttp import web

from agents.kafka.node import free_port
from agents.settings import load
from agents.web.context import HUB, SendError
from agents.web.model import Model
from agents.web.server import make_app
from agents.web.tokens import hash_of, new_token
from pipeline.alerts.lifecycle import Refusal, take
from pipeline.emission import Emission
from schemas.action import Action
from schemas.alert import Alert
from schemas.case import CaseEntry
from schemas.codec import Codec
from schemas.event import UnitAction
from schemas.record import Source
from schemas.text import StoredText
from schemas.time import DAY_MS, Millis
from schemas.token import Role, Token
from tests.web.evening import NOW

_codec = Codec[Action](Action)


class Running:
    """A context manager. `clock` stands still at the world's now. `refuses`: Kafka is away when something is sent."""

    def __init__(self, model: Model, *, answering: bool = True, port: int = 0, **settings: Any) -> None:
        self.model = model
        self.answering = answering
        self.refuses = False
        self.sent: list[Emission] = []
        self.port = port or free_port()
        self._settings = load({}, None, web_secret="a secret for tests only, long enough", **settings).settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None
        self._hub: Any = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://localhost:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self.call(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def stop(self) -> None:
        """The process ends, for who looks from outside."""
        if self._runner is not None:
            self.call(self._runner.cleanup())
            self._runner = None

    def start(self) -> None:
        """It is back, at the same address."""
        self.call(self._start())

    @property
    def consoles(self) -> int:
        """How many streams of events are open."""
        return int(self._hub.consoles)

    def token(self, role: Role, unit_id: str | None = None, department: str | None = None, name: str = "") -> str:
        """A token that counts."""
        token, identity = new_token()
        record = Token(
            id=identity, name=name or f"{role} {unit_id or ''}".strip(), role=role, unit_id=unit_id,
            department=department, hash=hash_of(token), made_by="tests", made_at=NOW, expires_at=Millis(NOW + DAY_MS),
        )  # fmt: skip
        self.do(lambda: self.model.apply_token(identity, record))
        return token

    # What a feed would do

    def alert(self, alert: Alert) -> None:
        """A record of an alert comes."""

        def work() -> None:
            changed = self.model.apply_alert(alert)
            if changed is not None:
                self._hub.alert_changed(changed)

        self.do(work)

    def entry(self, entry: CaseEntry) -> None:
        """An entry of a case comes."""
        self.do(lambda: self._hub.entry_added(entry) if self.model.apply_entry(entry) else None)

    def text(self, text: StoredText) -> None:
        """A text comes."""
        self.do(lambda: self.model.apply_text(text.id, text))

    def unrouted(self, key: str) -> None:
        """What found no unit has one now."""

        def work() -> None:
            changed = self.model.apply_unrouted(key, None)
            if changed:
                self._hub.unrouted_changed(key, changed)

        self.do(work)

    def connected(self, is_it: bool) -> None:
        """Kafka answers, or does no more."""
        self.do(lambda: self._hub.connection_changed() if self.model.set_connected(is_it, NOW) else None)

    def do(self, work: Callable[[], Any]) -> None:
        """Something in the console's own thread."""

        async def run() -> None:
            work()

        self.call(run())

    def call(self, work: Any) -> Any:
        """Runs a coroutine in the console's own thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _start(self) -> None:
        app = make_app(self._settings, self.model, self._send, clock=lambda: NOW / 1000)
        self._hub = app[HUB]
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "localhost", self.port).start()

    async def _send(self, emission: Emission) -> None:
        if self.refuses:
            raise SendError("Kafka is away")
        self.sent.append(emission)
        if self.answering and emission.topic.endswith(".actions"):
            self._loop.call_later(0.15, self._answer, _codec.decode(emission.value or b""))

    def _answer(self, action: Action) -> None:
        """What the log would say, as far as the state of the case decides."""
        alert = self.model._alerts.get(action.alert_id)
        refs = {"note_ref": f"note:{action.id}" if action.note else None}
        said = UnitAction(
            id=action.id, alert_id=action.alert_id, unit_id=action.unit_id, action=action.action, actor=action.actor,
            resolution_code=action.resolution_code, dismissal_code=action.dismissal_code, assignee=action.assignee,
            to_unit=action.to_unit, to_department=action.to_department, until=action.until,
            event_time=action.event_time, source=Source(topic="", partition=0, offset=0), **refs,
        )  # fmt: skip
        step = take(alert.state, said)
        answer = CaseEntry(
            alert_id=alert.alert_id, unit_id=action.unit_id, number=0, sequence=alert.sequence, action_id=action.id,
            action=action.action, actor=action.actor, state=alert.state, event_time=action.event_time,
            assignee=action.assignee, resolution_code=action.resolution_code, dismissal_code=action.dismissal_code,
            accepted=False, reason=step.value if isinstance(step, Refusal) else "done", **refs,
        )  # fmt: skip
        if action.note:
            note = StoredText(id=f"note:{action.id}", text=action.note, event_time=action.event_time)
            self.model.apply_text(note.id, note)
        if not isinstance(step, Refusal):
            sequence = alert.sequence + 1
            work = msgspec.structs.replace(
                alert.work, assignee=action.assignee or alert.work.assignee, snoozed_until=action.until
            )
            after = msgspec.structs.replace(
                alert, sequence=sequence, change=step.change, state=step.state, actor=action.actor, work=work
            )
            answer = msgspec.structs.replace(
                answer, number=sequence, sequence=sequence, change=step.change, state=step.state, accepted=True
            )
            changed = self.model.apply_alert(after)
            if changed is not None:
                self._hub.alert_changed(changed)
        if self.model.apply_entry(answer):
            self._hub.entry_added(answer)
