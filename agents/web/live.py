"""What open consoles are told at once: server-sent events. (First cut; see the brief.)"""

from collections.abc import Callable

from agents.web.access import Viewer
from agents.web.model import Model
from schemas.alert import Alert

Render = Callable[[Alert, Viewer], str]
"""One row of the list, as HTML. It may depend on the viewer's role, and on nothing else of the viewer."""


class Hub:
    """All open consoles of this process."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._render: Render | None = None

    def render_with(self, render: Render) -> None:
        """From here on events hold rows made by this."""
        self._render = render
