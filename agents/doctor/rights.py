"""Does this Kafka check rights, and does everybody have theirs?"""

from collections import Counter
from collections.abc import Iterator

from agents.doctor.finding import Finding, warning, well
from agents.doctor.patient import Patient
from agents.kafka.acls import Acls, NoAuthorizerError, NotAllowedError
from schemas.rights import rights


def check(patient: Patient) -> Iterator[Finding]:
    """A warning where ACLs are missing or not needed any more."""
    settings = patient.settings
    if patient.topics("units") not in patient.described:
        return  # what is missing was said already
    wanted = rights(patient.topics, settings.group, patient.directory.units)
    with Acls(settings) as broker:
        try:
            there = broker.there()
        except NoAuthorizerError:
            yield well("rights", "this Kafka checks no rights: whoever reaches it may read and write everything")
            return
        except NotAllowedError:
            yield well("rights", "this user may not look at ACLs; a super user may: `cem acls apply --check`")
            return
        missing, unwanted = broker.missing(wanted, there), broker.unwanted(wanted, there)
    if missing:
        lacking = Counter(right.who for right in missing)
        who = ", ".join(f"{name} ({count})" for name, count in lacking.most_common(5))
        yield warning(
            "rights",
            f"{len(missing)} of {len(wanted)} ACLs are missing, of {who}",
            "as a super user: `cem acls apply`",
        )
    if unwanted:
        yield warning(
            "rights",
            f"{len(unwanted)} ACLs of our principals are not needed (units that left?)",
            "as a super user: `cem acls apply --prune`",
        )
    if not missing and not unwanted:
        yield well("rights", f"{len(wanted)} ACLs, as they should be")
