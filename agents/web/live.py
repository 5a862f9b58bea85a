"""What open consoles are told at once: server-sent events. In: changes of the model. Out: events, to each console those
that its viewer may see.

    event: alert        data: {"id", "sequence", "unit_id", "html"}, or {"id", "sequence", "gone": true}
    event: entry        data: {"alert_id", "number", "sequence"}
    event: answer       data: {"id", "alert_id", "accepted", "reason", "state"}    what became of an action
    event: unrouted     data: {"id", "waiting"}
    event: connection   data: {"connected", "since", "now", "missed", "revision"}    first of all, and when
                        Kafka goes or comes back; what came between the page and the stream shows in `revision`

A console asks for what it shows: `/live?show=waiting&unit=west&department=service`; without it, for everything.

The one rule: nobody waits for a slow console. Each has a bounded queue; one whose queue is full is let go, and comes
back by itself. A row is rendered once for each role that looks, not once for each console. Source: the HTML standard,
server-sent events.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, get_args

import orjson
from aiohttp import web

from agents.web.access import Viewer
from agents.web.cases import accepted
from agents.web.model import Changed, Model, State, UnroutedChanged
from agents.web.problem import Problem
from agents.web.urgency import waiting
from pipeline import metrics
from schemas.alert import Alert
from schemas.case import CaseEntry

CONSOLES_MAX: Final = 1_000
QUEUE_MAX: Final = 500
HEARTBEAT_SECONDS: Final = 15.0
LOOK_SECONDS: Final = 2.0
"""How often a stream without news is looked at: has its console left?"""
WRITE_BYTES: Final = 32_768
STREAM_SECONDS_MAX: Final = 3_600.0
"""After this long a console has to come again, so that a proxy can say again who it is."""
WRITE_SECONDS_MAX: Final = 10.0

Render = Callable[[Alert, Viewer], str]
"""One row of the list, as HTML. It may depend on the viewer's role, and on nothing else of the viewer."""


class Filter(NamedTuple):
    """What a console shows of all that its viewer may see."""

    show: State = "all"
    unit_id: str | None = None
    department: str | None = None


EVERYTHING: Final = Filter()


def filter_of(query: Mapping[str, str]) -> Filter:
    """A query's `show`, `unit` and `department`; what is none counts as not given."""
    show: State = next((one for one in get_args(State) if one == query.get("show")), "all")
    return Filter(show, query.get("unit") or None, query.get("department") or None)


class Console:
    """One open console. `still`: whether its viewer would be let in again; `cut`: ends its connection at once."""

    def __init__(self, viewer: Viewer, shows: Filter, still: Callable[[], bool], cut: Callable[[], None]) -> None:
        self.viewer = viewer
        self.shows = shows
        self.still = still
        self.cut = cut
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_MAX + 1)
        self.gone = False

    def tell(self, event: bytes) -> None:
        """One more event; the console is let go if it has too many to read already."""
        if self.gone:
            return
        if self.queue.qsize() >= QUEUE_MAX:
            metrics.WEB_CONSOLES_DROPPED.inc()
            self.let_go()
            self.cut()
        else:
            self.queue.put_nowait(event)

    def let_go(self) -> None:
        """It is told nothing more."""
        if not self.gone:
            self.gone = True
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(None)


class Hub:
    """All open consoles of this process."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._render: Render | None = None
        self._consoles: set[Console] = set()

    def render_with(self, render: Render) -> None:
        """From here on events hold rows made by this."""
        self._render = render

    @property
    def consoles(self) -> int:
        """How many are open."""
        return len(self._consoles)

    # What has changed

    def alert_changed(self, changed: Changed) -> None:
        """A newer record of an alert. Who saw the one before and may not see this one is told that it is gone."""
        before, after = changed
        gone = _event("alert", {"id": after.alert_id, "sequence": after.sequence, "gone": True})
        rendered: dict[str, bytes] = {}
        for console in tuple(self._consoles):
            viewer = console.viewer
            if self._shown(console, after):
                if (event := rendered.get(viewer.role)) is None:
                    event = rendered[viewer.role] = self._alert_event(after, viewer)
                console.tell(event)
            elif before is not None and self._shown(console, before):
                console.tell(gone)

    def _shown(self, console: Console, alert: Alert) -> bool:
        model, shows = self._model, console.shows
        if not model.sees(console.viewer, alert):
            return False
        if shows.department is not None and alert.labels.department != shows.department:
            return False
        unit_id = alert.labels.unit_id
        if shows.unit_id not in (None, unit_id) and not model.directory.is_below(unit_id, (shows.unit_id,)):
            return False
        return shows.show == "all" or waiting(alert, model.now_ms) == shows.show

    def _alert_event(self, alert: Alert, viewer: Viewer) -> bytes:
        said = {"id": alert.alert_id, "sequence": alert.sequence, "unit_id": alert.labels.unit_id}
        if self._render is not None:
            said["html"] = str(self._render(alert, viewer))
        return _event("alert", said)

    def entry_added(self, entry: CaseEntry) -> None:
        """An entry of a history, maybe the answer to an action."""
        model = self._model
        added = _event("entry", {"alert_id": entry.alert_id, "number": entry.number, "sequence": entry.sequence})
        answer = _answer_event(entry) if entry.action_id is not None else None
        for console in tuple(self._consoles):
            if model.alert(console.viewer, entry.alert_id) is not None:
                console.tell(added)
            if answer is not None and model.may_know_answer(console.viewer, entry.action_id or "", entry.alert_id):
                console.tell(answer)

    def unrouted_changed(self, key: str, changed: UnroutedChanged) -> None:
        """Something waits for a decision, or does no more."""
        event = _event("unrouted", {"id": key, "waiting": changed.after is not None})
        for console in tuple(self._consoles):
            if any(one is not None and self._model.sees_unrouted(console.viewer, one) for one in changed):
                console.tell(event)

    def connection_changed(self) -> None:
        """Kafka went away, or is back."""
        for console in tuple(self._consoles):
            console.tell(self._connection())

    def tokens_changed(self) -> None:
        """Who would not be let in again is let go."""
        for console in tuple(self._consoles):
            if not console.still():
                console.let_go()

    def _connection(self, missed: bool = False) -> bytes:
        model = self._model
        said = {"connected": model.connected, "since": model.since, "now": model.now_ms, "missed": missed,
                "revision": model.revision}  # fmt: skip
        return _event("connection", said)

    # One console

    async def serve(
        self, request: web.Request, viewer: Viewer, still: Callable[[], bool], shows: Filter = EVERYTHING
    ) -> web.StreamResponse:
        """A stream of events, until the console leaves, is let go, or has been here for an hour. Raises Problem."""
        if len(self._consoles) >= CONSOLES_MAX:
            raise Problem(503, "too_many", "too many consoles are open; try again in a minute", {"Retry-After": "60"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        response.enable_chunked_encoding()
        try:
            await response.prepare(request)
        except ConnectionResetError:  # it left before the first word
            return response
        console = Console(viewer, shows, still, lambda: _cut(request))
        self._consoles.add(console)
        metrics.WEB_CONSOLES.set(len(self._consoles))
        try:
            console.tell(b"retry: 2000\n" + self._connection(missed="Last-Event-ID" in request.headers))
            await _write(console, request, response)
        except (ConnectionResetError, TimeoutError):
            _cut(request)
        finally:
            self._consoles.discard(console)
            metrics.WEB_CONSOLES.set(len(self._consoles))
        return response

    def close(self) -> None:
        """All consoles are let go."""
        for console in tuple(self._consoles):
            console.let_go()


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _write(console: Console, request: web.Request, response: web.StreamResponse) -> None:
    """Until the console leaves or is let go. Raises ConnectionResetError where it has left in the midst of an event,
    TimeoutError where it takes nothing."""
    began = written = time.monotonic()
    while time.monotonic() - began < STREAM_SECONDS_MAX:
        event: bytes | None = None
        with contextlib.suppress(TimeoutError):
            event = await asyncio.wait_for(console.queue.get(), LOOK_SECONDS)
        if console.gone or not console.still() or request.transport is None:
            return
        if event is None and time.monotonic() - written < HEARTBEAT_SECONDS:
            continue
        event = event or b": still here\n\n"
        while not console.queue.empty() and len(event) < WRITE_BYTES:  # one write for all that is there
            event += console.queue.get_nowait() or b""
        async with asyncio.timeout(WRITE_SECONDS_MAX):
            await response.write(event)
        written = time.monotonic()


def _answer_event(entry: CaseEntry) -> bytes:
    said = {
        "id": entry.action_id, "alert_id": entry.alert_id, "accepted": accepted(entry), "reason": entry.reason,
        "state": entry.state,
    }  # fmt: skip
    return _event("answer", said)


def _event(name: str, said: dict[str, Any]) -> bytes:
    """One event. JSON is one line, so that nothing in it can end the event."""
    return b"id: 1\nevent: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(said))
