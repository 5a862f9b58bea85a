"""From Kafka into PostgreSQL: every record once, whatever dies on the way."""

import pytest

from tests.archive.conftest import NewArchived

pytestmark = pytest.mark.broker


def test_the_whole_way(new_archived: NewArchived) -> None:
    """All that is on the topics is in the tables, and the directory knows who is above whom."""
    archived = new_archived()
    archived.send(archived.world.story())
    archived.catch_up(archived.start())
    [counts] = archived.rows(
        "SELECT (SELECT count(*) FROM cem.insight), (SELECT count(*) FROM cem.alert),"
        " (SELECT count(*) FROM cem.alert_now), (SELECT count(*) FROM cem.case_entry)"
    )
    assert (613, 71, 21, 2) == counts
    assert [("store-1", "west", "acme", ["discrimination"])] == archived.rows(
        "SELECT unit_id, region_id, brand_id, confidential FROM cem.unit WHERE unit_id = 'store-1'"
    )
