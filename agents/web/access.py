"""Who may see and do what in the console. In: a viewer, an alert or a unit, the directory. Out: yes or no.

The one rule: every route, list, count, chart and event stream asks here, and what is confidential (`addressed_to` is
set) is for head office, and for an auditor of everything, only. Method: role-based access control with a scope, the
scope being a place in the tree of units, maybe one department of it.
"""

from typing import Final

import msgspec

from pipeline.directory import Directory
from schemas.action import ActionName
from schemas.alert import Alert
from schemas.token import Role

_TREE: Final = frozenset(("region", "head_office", "auditor"))
"""Roles whose unit stands for all units below it too."""
_EVERYTHING: Final = frozenset(("head_office", "auditor"))
"""Roles that may be without a unit."""
_NOT_FOR_DEPARTMENTS: Final[frozenset[ActionName]] = frozenset(("publish",))
"""What speaks for the whole unit."""


class Viewer(msgspec.Struct, frozen=True):
    """Somebody who has signed in. `unit_id` None: all units, which only head office and auditors may be. `department`:
    only matters of this one."""

    name: str
    role: Role
    unit_id: str | None = None
    department: str | None = None


def scope_problem(role: Role, unit_id: str | None, department: str | None) -> str | None:
    """What is missing or too much for a role, in words; None if it makes sense."""
    if role in ("department", "unit", "region") and unit_id is None:
        return f"the role {role} needs a unit"
    if role == "department" and not department:
        return "the role department needs a department"
    return None


def may_see(viewer: Viewer, alert: Alert, directory: Directory) -> bool:
    """Whether the alert exists for this viewer. A unit that an escalation has reached sees it too."""
    if alert.addressed_to is not None and not may_see_confidential(viewer):
        return False
    if _limited(viewer) and alert.labels.department != viewer.department:
        return False
    if viewer.unit_id is None:
        return viewer.role in _EVERYTHING
    if alert.labels.unit_id == viewer.unit_id or (viewer.unit_id in alert.also_to and not _limited(viewer)):
        return True
    return viewer.role in _TREE and _is_below(alert, viewer.unit_id, directory)


def may_act(viewer: Viewer, alert: Alert, action: ActionName, directory: Directory) -> bool:
    """Whether the viewer may do this with the alert. Whether the case allows it now is the log's to say."""
    if viewer.role == "auditor" or (_limited(viewer) and action in _NOT_FOR_DEPARTMENTS):
        return False
    return may_see(viewer, alert, directory)


def may_see_unit(viewer: Viewer, unit_id: str, directory: Directory) -> bool:
    """Whether the viewer may see a unit, its overview and its counts."""
    if viewer.unit_id is None:
        return viewer.role in _EVERYTHING
    if unit_id == viewer.unit_id:
        return True
    return viewer.role in _TREE and directory.is_above(viewer.unit_id, unit_id)


def may_assign(viewer: Viewer) -> bool:
    """Whether the viewer may say which unit an unrouted post is about."""
    return viewer.role in ("head_office", "region") and not _limited(viewer)


def may_see_unrouted(viewer: Viewer) -> bool:
    """Whether the viewer may look at the unrouted queue: who may assign, and an auditor of everything."""
    return may_assign(viewer) or (viewer.role == "auditor" and may_see_confidential(viewer))


def may_see_confidential(viewer: Viewer) -> bool:
    """Whether confidential alerts exist for this viewer."""
    if viewer.role == "auditor":
        return viewer.unit_id is None and not _limited(viewer)
    return viewer.role == "head_office"


def _limited(viewer: Viewer) -> bool:
    """To one department. One of the role without a department is limited to nothing."""
    return viewer.department is not None or viewer.role == "department"


def _is_below(alert: Alert, above: str, directory: Directory) -> bool:
    """By the directory; of a unit that is no longer in it, by what the alert says."""
    labels = alert.labels
    if labels.unit_id in directory.units:
        return directory.is_above(above, labels.unit_id)
    return above in (labels.region, labels.brand)
