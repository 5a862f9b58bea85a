"""Who gets messages about what: the file, scopes, quiet hours."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.notify.file import NotifyFileError, parse_rules, secrets_of
from pipeline.notify.quiet import Quiet, never_ends, quiet_until
from pipeline.notify.rules import Recipient, Verdict, urgent, verdict
from schemas.alert import Alert, Deadlines, Work
from schemas.time import HOUR_MS, MINUTE_MS, parse_time
from tests.notify_examples import DIRECTORY, alert, recipient

FILE = """
[email]
host = "smtp.example.com"
from = "alerts@acme.example"
username = "cem"
password_env = "MAIL_PASSWORD"

[[recipients]]
name = "till"
kind = "webhook"
url = "https://till.example.com/hooks"
secret_env = ["NEW", "OLD"]
units = "store-17"

[[recipients]]
name = "chat"
kind = "slack"
url_env = "CHAT_URL"
quiet_hours = {time_zone = "Europe/Berlin", from = 22:00:00, to = "07:00"}

[[recipients]]
name = "duty"
kind = "pagerduty"
secret_env = "ROUTING_KEY"
severity_min = "error"

[[recipients]]
name = "care"
kind = "email"
to = ["one@acme.example", "two@acme.example"]
confidential = true
"""
ENVIRONMENT = {
    "MAIL_PASSWORD": "pa55word", "NEW": "whsec_" + "bmV3" * 8, "OLD": "whsec_" + "b2xk" * 8,
    "CHAT_URL": "https://chat.example.com/hooks/s3cret", "ROUTING_KEY": "r0uting",
}  # fmt: skip
WEBHOOK = '[[recipients]]\nname = "a"\nkind = "webhook"\nurl = "https://x.example"\nsecret_env = "S"\n'


def test_a_file_without_mistakes() -> None:
    """All four kinds are read; e-mail has a recipient for each address; secrets come from the environment."""
    rules = parse_rules(FILE)
    secrets = secrets_of(rules, ENVIRONMENT)
    assert ["till", "chat", "duty", "care/one@acme.example", "care/two@acme.example"] == list(secrets)
    assert (("store-17",), 2) == (rules.recipients[0].units, len(secrets["till"].keys))
    assert ("22:00", "07:00") == (rules.recipients[1].quiet_hours[0].since, rules.recipients[1].quiet_hours[0].until)
    assert "https://events.pagerduty.com/v2/enqueue" == secrets["duty"].url
    assert not any(value in repr((rules, secrets)) for value in ENVIRONMENT.values())


def test_the_example_of_the_readme_is_right() -> None:
    """Whoever copies it has a file without mistakes."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    [example] = [text for text in re.findall(r"```toml\n(.*?)```", readme, re.S) if "[[recipients]]" in text]
    assert ["till", "head-office/care@example.com"] == [one.id for one in parse_rules(example).recipients]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["no recipients", "[[recipients]]"]),
        ("[[recipients]\n", ["not TOML"]),
        ("recipients = 3\n", ["no recipients"]),
        ("[recipient]\n" + WEBHOOK, ["`recipient`", "[[recipients]]"]),
        ('[[recipients]]\nkind = "slack"\n', ["recipient 1", "`name`: missing"]),
        ('[[recipients]]\nname = "a"\nkind = "slakc"\n', ["recipient 1 ('a')", "`kind`", "slack"]),
        (WEBHOOK + "changs = 3\n", ["did you mean `changes`?"]),
        (WEBHOOK + 'changes = ["closed"]\n', ["`changes`", "opened"]),
        (WEBHOOK + 'severity_min = "high"\n', ["`severity_min`", "warning"]),
        (WEBHOOK + "group_seconds = -1\n", ["`group_seconds`", "0 to 86400"]),
        (WEBHOOK + 'to = "a@b.example"\n', ["`to`", "take it out"]),
        (WEBHOOK + WEBHOOK, ["recipient 2 ('a')", "twice"]),
        (WEBHOOK.replace("https", "http"), ["`url`", "not encrypted", "insecure"]),
        (WEBHOOK.replace("https", "ftp"), ["`url`", "no address"]),
        (WEBHOOK.replace("x.example", "u:pa55@x.example"), ["`url`", "password", "url_env"]),
        (WEBHOOK.replace("x.example", "[::1"), ["`url`", "no address"]),
        (WEBHOOK.replace('secret_env = "S"', ""), ["`secret_env`: missing"]),
        (WEBHOOK.replace('"S"', '["S", "T", "U"]'), ["more than two"]),
        (WEBHOOK.replace('"S"', '"whsec_abc="'), ["`secret_env`", "environment variable"]),
        (WEBHOOK.replace('"a"', '"a/b"'), ["`name`", "take it out"]),
        ('[[recipients]]\nname = "a"\nkind = "email"\nto = "a@b.example"\n', ["[email]: missing"]),
        ('[[recipients]]\nname = "a"\nkind = "email"\nto = "a@b.example\\nBcc: x"\n', ["`to`"]),
        (FILE.replace("smtp.example.com\"", "h\"\nsecurity = \"none\""), ["[email]: `security`", "starttls"]),
        (FILE.replace("password_env", "pasword_env"), ["did you mean `password_env`?"]),
        (FILE.replace("Europe/Berlin", "Europe/Berln"), ["`quiet_hours`", "'Europe/Berlin'"]),
        (WEBHOOK + 'time_zone = "Berlin"\n', ["`time_zone`", "Europe/Berlin"]),
        (FILE.replace("22:00:00", '"25:00"'), ["`quiet_hours`"]),
        (FILE.replace('to = "07:00"', 'to = "22:00"'), ["never end"]),
    ],
)  # fmt: skip
def test_each_mistake_is_told(text: str, words: list[str]) -> None:
    """Where, what, what to do, on a line of its own; what may be a secret is not repeated."""
    with pytest.raises(NotifyFileError) as error:
        parse_rules(text)
    [line] = error.value.messages
    assert [] == [word for word in words if word not in line], line
    assert "pa55" not in line and "whsec_" not in line.replace("whsec_ and", "")


def test_all_mistakes_are_told_at_once() -> None:
    """One in each of three recipients, one in the mail server."""
    text = FILE.replace('"slack"', '"chat"').replace('"error"', '"bad"').replace('["one@acme.example",', '["one",')
    with pytest.raises(NotifyFileError) as error:
        parse_rules(text.replace('from = "alerts@acme.example"', ""))
    assert 4 == len(error.value.messages)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("NEW", None, "NEW is not set"), ("NEW", "s3cret!", "no base64"), ("OLD", "whsec_YWJj", "3 bytes"),
        ("CHAT_URL", "chat.example.com/s3cret", "no address"), ("CHAT_URL", "http://chat/s3cret", "not encrypted"),
        ("ROUTING_KEY", " ", "ROUTING_KEY is not set"), ("MAIL_PASSWORD", "s3\ncret", "control character"),
    ],
)  # fmt: skip
def test_a_secret_that_cannot_be_used_is_told_without_showing_it(name: str, value: str | None, words: str) -> None:
    """Which variable of which recipient, and what to do; never the value."""
    environment = {key: one for key, one in (ENVIRONMENT | {name: value}).items() if one is not None}
    with pytest.raises(NotifyFileError) as error:
        secrets_of(parse_rules(FILE), environment)
    assert words in str(error.value) and name in str(error.value)
    assert "s3" not in str(error.value) and "YWJj" not in str(error.value)


SURGE = alert(severity=7, department="kitchen")
LATE = alert(change="escalated", deadlines=Deadlines(told=("ana",)), work=Work(assignee="bo"))
SECRET = alert(addressed_to="acme", alertname="SeverePost")


@pytest.mark.parametrize(
    ("one", "fields", "expected"),
    [
        (SURGE, {}, Verdict.WANTED),
        (SURGE, {"units": ("store-17",)}, Verdict.WANTED),
        (SURGE, {"units": ("store-18", "west")}, Verdict.WANTED),
        (SURGE, {"units": ("acme",)}, Verdict.WANTED),
        (SURGE, {"units": ("store-18",)}, Verdict.UNIT),
        (alert(unit="west"), {"units": ("store-17",)}, Verdict.UNIT),
        (alert(unit="gone"), {"units": ("west",)}, Verdict.WANTED),
        (alert(unit="gone"), {"units": ("east",)}, Verdict.UNIT),
        (SURGE, {"departments": ("kitchen", "till")}, Verdict.WANTED),
        (SURGE, {"departments": ("till",)}, Verdict.DEPARTMENT),
        (SURGE, {"severity_min": "error"}, Verdict.WANTED),
        (SURGE, {"severity_min": "critical"}, Verdict.SEVERITY),
        (SURGE, {"alertnames": ("SeverePost",)}, Verdict.ALERTNAME),
        (SURGE, {"changes": ("resolved",)}, Verdict.CHANGE),
        (alert(change="commented"), {}, Verdict.CHANGE),
        (alert(change="acknowledged"), {}, Verdict.CHANGE),
        (alert(change="acknowledged"), {"kind": "pagerduty"}, Verdict.WANTED),
        (alert(change="quiet"), {"kind": "pagerduty"}, Verdict.CHANGE),
        (LATE, {"people": ("ana",)}, Verdict.WANTED),
        (LATE, {"people": ("bo",)}, Verdict.WANTED),
        (LATE, {"people": ("cy",)}, Verdict.PERSON),
        (SECRET, {}, Verdict.CONFIDENTIAL),
        (SECRET, {"confidential": True}, Verdict.WANTED),
        (SECRET, {"confidential": True, "units": ("acme",)}, Verdict.WANTED),
        (SECRET, {"confidential": True, "units": ("store-17", "west")}, Verdict.UNIT),
    ],
)
def test_who_gets_what(one: Alert, fields: dict[str, object], expected: Verdict) -> None:
    """By unit (and all below it), department, severity, cause, change and person; confidential to head office only."""
    assert expected is verdict(recipient(**fields), one, DIRECTORY)


def test_what_waits_for_nothing() -> None:
    """What is critical, and a severe post whatever its severity."""
    assert (True, True) == (urgent(alert(severity=9)), urgent(alert(alertname="SeverePost")))
    assert not urgent(alert(severity=7))


def night(zone: str = "Europe/Berlin", since: str = "22:00", until: str = "07:00", *days: str) -> tuple[Quiet, ...]:
    """Quiet hours as a recipient has them."""
    given = {"days": days} if days else {}
    return (Quiet(time_zone=zone, since=since, until=until, **given),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("at", "stretches", "until"),
    [
        ("2026-01-31T20:59:59.999Z", night(), None),
        ("2026-01-31T21:00:00Z", night(), "2026-02-01T06:00:00Z"),
        ("2026-02-01T05:59:59.999Z", night(), "2026-02-01T06:00:00Z"),
        ("2026-02-01T06:00:00Z", night(), None),
        # Spring: the hour from 2 to 3 is missing, the night is one shorter; autumn: it comes twice.
        ("2026-03-28T21:30:00Z", night(), "2026-03-29T05:00:00Z"),
        ("2026-10-24T20:30:00Z", night(), "2026-10-25T06:00:00Z"),
        ("2026-03-29T00:30:00Z", night("Europe/Berlin", "01:00", "02:30"), "2026-03-29T01:00:00Z"),
        ("2026-10-25T00:15:00Z", night("Europe/Berlin", "02:00", "02:30"), "2026-10-25T00:30:00Z"),
        ("2026-10-25T01:15:00Z", night("Europe/Berlin", "02:00", "02:30"), "2026-10-25T01:30:00Z"),
        # Only nights that begin on a Friday; a weekend that is quiet whole, up to Monday's morning.
        ("2026-01-31T22:00:00Z", night("UTC", "22:00", "07:00", "fri"), None),
        ("2026-01-31T05:00:00Z", night("UTC", "22:00", "07:00", "fri"), "2026-01-31T07:00:00Z"),
        ("2026-01-31T12:00:00Z", night("UTC", "00:00", "24:00", "sat", "sun") + night("UTC"), "2026-02-02T07:00:00Z"),
        ("2026-01-31T12:00:00Z", (), None),
    ],
)
def test_quiet_hours_end_when_the_clock_on_the_wall_says(
    at: str, stretches: tuple[Quiet, ...], until: str | None
) -> None:
    """Across midnight, daylight saving and stretches that touch."""
    assert (None if until is None else parse_time(until)) == quiet_until(stretches, parse_time(at))


@given(
    st.integers(0, 3 * 366 * 24 * 60 - 1),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.sets(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1),
)
def test_quiet_hours_are_those_of_a_slow_reference(
    minute: int, zone: str, since: int, until: int, days: set[str]
) -> None:
    """Minute by minute, asking the wall clock: quiet until the first minute that is not."""
    stretches = night(zone, f"{since // 60:02d}:{since % 60:02d}", f"{until // 60:02d}:{until % 60:02d}", *days)
    if never_ends(stretches):
        return
    at_ms = parse_time("2025-01-01T00:00:00Z") + minute * MINUTE_MS

    def is_quiet(now_ms: int) -> bool:
        wall = datetime.fromtimestamp(now_ms / 1000, ZoneInfo(zone))
        today, minutes = wall.strftime("%a").lower(), wall.hour * 60 + wall.minute
        yesterday = (wall.replace(tzinfo=None) - timedelta(days=1)).strftime("%a").lower()
        if since < until:
            return today in days and since <= minutes < until
        return (today in days and minutes >= since) or (yesterday in days and minutes < until)

    end_ms = quiet_until(stretches, at_ms)
    assert is_quiet(at_ms) == (end_ms is not None)
    if end_ms is not None:
        assert not is_quiet(end_ms)
        steps = range(at_ms, min(end_ms, at_ms + 30 * HOUR_MS), MINUTE_MS)
        assert all(is_quiet(step) for step in steps)


def test_quiet_hours_that_never_end_are_seen() -> None:
    """A stretch from noon to noon on every day, or two that leave no minute."""
    assert never_ends(night("UTC", "12:00", "12:00"))
    assert never_ends(night("UTC", "00:00", "12:00") + night("UTC", "12:00", "00:00"))
    assert not never_ends(night("UTC", "00:00", "12:00") + night("UTC", "12:01", "00:00"))
    assert not never_ends(())


def test_whose_clock_messages_show() -> None:
    """What is said, else that of the quiet hours, else UTC."""
    zones = [recipient(time_zone="Asia/Tokyo", quiet_hours=night()), recipient(quiet_hours=night()), recipient()]
    assert ["Asia/Tokyo", "Europe/Berlin", "UTC"] == [one.wall for one in zones]


def test_the_id_of_a_recipient_has_its_address() -> None:
    """Each address of an entry is told for itself."""
    assert "care/a@b.c" == Recipient(name="care", kind="email", to=("a@b.c",)).id
