"""The files of the languages: `pipeline/lexicons/<language>/<name>.toml`. Another language is another folder."""

import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

DEFAULT: Final = "en"
CODE_LENGTH_MAX: Final = 3
"""A language's code becomes a part of a path, and comes from strangers."""


def content(name: str, language: str = DEFAULT) -> dict[str, Any]:
    """What a file holds. Raises FileNotFoundError where the language has none."""
    return tomllib.loads(files("pipeline.lexicons").joinpath(language, f"{name}.toml").read_text("utf-8"))


@lru_cache(1024)
def covers(name: str, language: str | None) -> bool:
    """Whether there is such a file. None (nobody can tell the language) reads as the default."""
    if language is None:
        return True
    named = len(language) <= CODE_LENGTH_MAX and language.isascii() and language.isalpha()
    return named and files("pipeline.lexicons").joinpath(language, f"{name}.toml").is_file()
