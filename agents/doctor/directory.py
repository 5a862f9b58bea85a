"""Is the directory sound, and does every unit have its topic?"""

from collections.abc import Iterator

from agents.doctor.finding import Finding, warning, well, wrong
from agents.doctor.patient import Patient
from agents.taxonomies import taxonomies_of
from pipeline.directory_check import check as check_units
from pipeline.taxonomy_file import TaxonomyError

SHOWN_MAX = 5


def check(patient: Patient) -> Iterator[Finding]:
    """What `cem units check` would say of what is published; topics of units that are missing, or left over."""
    if patient.topics("units") not in patient.described:
        return  # what is missing was said already
    units = patient.directory.units
    if not units:
        yield warning("directory", "there are no units: every post stays unrouted", "`cem units push units.toml`")
        return
    try:
        taxonomies = taxonomies_of(patient.settings.taxonomies)
    except TaxonomyError:
        yield warning("directory", "not looked at without the taxonomies", "mend CEM_TAXONOMIES (above), look again")
        return
    causes = {cause for one in taxonomies.values() for cause in one.severe}
    problems = list(check_units(list(units.values()), causes))
    for problem in problems[:SHOWN_MAX]:
        yield wrong("directory", problem.detail, "mend the units file, then `cem units push`")
    if len(problems) > SHOWN_MAX:
        yield wrong("directory", f"and {len(problems) - SHOWN_MAX} more", "`cem units check units.toml` lists all")
    prefix = patient.topics.unit_alerts("")
    there = {name.removeprefix(prefix) for name in patient.described if name.startswith(prefix)}
    missing, left = sorted(units.keys() - there), sorted(there - units.keys())
    if missing:
        yield warning(
            "directory",
            f"{len(missing)} units have no topic of their own yet, {missing[0]} among them",
            "a worker makes them when it reads the directory; or `cem topics apply`",
        )
    if left:
        yield well("directory", f"{len(left)} topics of units that are not in the directory any more ({left[0]})")
    if not problems and not missing:
        yield well("directory", f"{len(units)} units, version {patient.directory.version}, each with its topic")
