"""Model files -> scorers: the place where bytes of a disk, a model and its features meet.

The one rule: a file that cannot be used is told in one sentence, with its path, before anything is scored.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pipeline.aspects import matches
from pipeline.learned.aspects import MainAspect
from pipeline.learned.features import AspectFeatures, FeatureSource, NoFeatures, SentimentFeatures
from pipeline.learned.file import FILE_BYTES_MAX, ModelError
from pipeline.learned.model import Model
from pipeline.sentiment.learned import ModelScorer
from pipeline.taxonomy import load
from pipeline.taxonomy_file import TaxonomyError, shipped
from pipeline.text.reading import Reader

TRIED_MAX: Final = 2_000
"""Texts that a taxonomy is tried on."""
FOUND_MIN: Final = 0.2


def sentiment_source() -> SentimentFeatures:
    """The features of a model of sentiment."""
    return SentimentFeatures()


def aspect_source(taxonomy: str) -> FeatureSource:
    """The features of a model of aspects: a shipped taxonomy's, none for "". Raises TaxonomyError."""
    if not taxonomy:
        return NoFeatures(Reader())
    found = load(taxonomy)
    return AspectFeatures(found, Reader(found.vocabulary))


def read_model(path: Path) -> Model:
    """Raises ModelError; its sentence begins with the path."""
    try:
        with path.open("rb") as file:
            return Model.load(file.read(FILE_BYTES_MAX + 1))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None


def model_scorer(path: Path) -> ModelScorer:
    """The scorer of a file that `cem train` wrote. Raises ModelError; its sentence begins with the path."""
    model = read_model(path)
    try:
        return ModelScorer(model, sentiment_source())
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None


def main_aspect(path: Path) -> MainAspect:
    """What says the main aspect, by a file of `cem train --target aspect`. Raises ModelError with the path."""
    model = read_model(path)
    try:
        return MainAspect(model, aspect_source(model.content.taxonomy))
    except (ModelError, TaxonomyError) as error:
        raise ModelError(f"{path}: {error}") from None


def taxonomy_of(texts: Sequence[str]) -> str:
    """The shipped taxonomy that finds most in the texts; "" where none finds something in every fifth of them."""
    tried = texts[:TRIED_MAX]
    found = {name: _found(name, tried) for name in shipped()}
    best = max(found, key=lambda name: found[name])
    return best if found[best] >= FOUND_MIN * len(tried) else ""


def _found(name: str, texts: Sequence[str]) -> int:
    taxonomy = load(name)
    read = Reader(taxonomy.vocabulary).read
    return sum(len(matches(read(text), taxonomy)) for text in texts)
