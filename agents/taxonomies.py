"""A user's own taxonomies: files -> what is in force for which industry.

The one rule: a file that cannot be used is told with everything that is wrong in it, before anything is understood.
"""

from pathlib import Path
from typing import Final

from pipeline.taxonomy import Taxonomy, load, parse
from pipeline.taxonomy_file import FILE_LENGTH_MAX, TaxonomyError, shipped

_EXAMPLE: Final = "restaurant=ours.toml,retail=shops.toml"


def taxonomies_of(listed: str) -> dict[str, Taxonomy]:
    """`industry=file,industry=file` -> taxonomies by industry. Raises TaxonomyError; each line begins with the file."""
    found: dict[str, Taxonomy] = {}
    for entry in filter(None, map(str.strip, listed.split(","))):
        industry, equals, path = (part.strip() for part in entry.partition("="))
        if not equals or not path:
            raise TaxonomyError([f"{entry!r} is no `industry=file`; write it as in {_EXAMPLE}"])
        if industry not in shipped():
            raise TaxonomyError([f"{entry!r}: there is no industry {industry!r}; it is one of {', '.join(shipped())}"])
        found[industry] = read_taxonomy(Path(path))
    return found


def read_taxonomy(path: Path) -> Taxonomy:
    """A file. Raises TaxonomyError; each line begins with the path."""
    try:
        with path.open(encoding="utf-8") as file:
            return parse(file.read(FILE_LENGTH_MAX + 1))
    except OSError as error:
        raise TaxonomyError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise TaxonomyError([f"{path}: is not UTF-8 text; save it as UTF-8"]) from None
    except TaxonomyError as error:
        raise TaxonomyError([f"{path}: {message}" for message in error.messages]) from None


def named_or_read(name: str) -> Taxonomy:
    """A shipped taxonomy by its name, else the file of that path. Raises TaxonomyError."""
    return read_taxonomy(Path(name)) if name not in shipped() and Path(name).is_file() else load(name)
