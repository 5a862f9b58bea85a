"""Settings: where they come from, and how mistakes are told."""

from pathlib import Path

import pytest

from agents.settings import SECRETS, Settings, SettingsError, load, misspelt, shown


def test_environment_wins_over_file_wins_over_default(tmp_path: Path) -> None:
    """And each says where it came from."""
    file = tmp_path / "cem.toml"
    file.write_text('prefix = "acme"\nclock = "data"\n')
    loaded = load({"CEM_CLOCK": "wall", "CEM_CONFIG": str(file)}, hold_minutes=5.0)
    assert ("acme", "wall", 5.0, "cem") == (
        loaded.settings.prefix,
        loaded.settings.clock,
        loaded.settings.hold_minutes,
        loaded.settings.group,
    )
    assert (str(file), "CEM_CLOCK", "command line", "default") == tuple(
        loaded.origins[name] for name in ("prefix", "clock", "hold_minutes", "group")
    )


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Each by its name and where it was written."""
    file = tmp_path / "cem.toml"
    file.write_text('colour = "blue"\n')
    with pytest.raises(SettingsError) as caught:
        load({"CEM_TICK_SECONDS": "soon", "CEM_INPUT_PARTITIONS": "0"}, file)
    lines = str(caught.value).splitlines()
    assert 3 == len(lines)
    assert all(any(word in line for line in lines) for word in ("colour", "CEM_TICK_SECONDS", "CEM_INPUT_PARTITIONS"))


def test_a_choice_that_is_none_says_which_there_are() -> None:
    """Nobody has to look into the reference for how it is written."""
    with pytest.raises(SettingsError, match=r"^clock \(CEM_CLOCK\): 'date' is none of wall, data$"):
        load({"CEM_CLOCK": "date"})


def test_a_variable_that_is_misspelt_is_named() -> None:
    """It would be passed over in silence otherwise. What Kubernetes sets for a service of ours is none."""
    others = ("CEM_WEB_SERVICE_HOST", "CEM_WEB_PORT_8090_TCP_ADDR", "CEM_KAFKA", "CEM_CONFIG", "HOME")
    environment = dict.fromkeys(("CEM_CLOK", "CEM_AUTOR_KEY", *others), "x")
    assert [("CEM_AUTOR_KEY", "CEM_AUTHOR_KEY"), ("CEM_CLOK", "CEM_CLOCK")] == misspelt(environment)


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({"CEM_AUTHOR_KEY": "short"}, "author_key"),
        ({"CEM_SECURITY_PROTOCOL": "SASL_SSL"}, "sasl_username"),
        ({"CEM_PREFIX": "a.b"}, "prefix"),
        ({"CEM_CONFIG": "/nowhere/cem.toml"}, "cem.toml"),
    ],
)
def test_what_makes_no_sense_is_refused(environment: dict[str, str], word: str) -> None:
    """In words that name the setting."""
    with pytest.raises(SettingsError, match=word):
        load(environment)


def test_a_broken_file_is_one_clear_line(tmp_path: Path) -> None:
    """With the file's name."""
    file = tmp_path / "cem.toml"
    file.write_text("prefix = ")
    with pytest.raises(SettingsError, match=r"cem\.toml"):
        load({}, file)


def test_secrets_are_never_shown() -> None:
    """Not even their length."""
    settings = Settings(**dict.fromkeys(SECRETS, "hush hush hush hush"))
    assert {"********"} == {shown(settings, name) for name in SECRETS}
    assert "" == shown(Settings(), "author_key")


@pytest.mark.parametrize(
    ("name", "value"),
    [("TICK_SECONDS", "inf"), ("TICK_SECONDS", "0.0000001"), ("HOLD_MINUTES", "inf"), ("PAST_DAYS", "nan")],
)
def test_a_number_that_no_clock_can_use_is_refused(name: str, value: str) -> None:
    """At the start, in words, and not when it is first divided by."""
    with pytest.raises(SettingsError, match=name):
        load({f"CEM_{name}": value})


def test_the_smallest_tick_is_a_millisecond() -> None:
    """Whatever is allowed can be used."""
    assert 1 == load({"CEM_TICK_SECONDS": "0.001"}).settings.tick_ms
