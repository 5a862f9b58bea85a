"""Laws of aspects: any text has an answer, a bounded one, and the same each time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.aspects import ASPECTS_MAX, find, matches, severe
from pipeline.sentiment.hit import Hit
from pipeline.taxonomy import load, parse
from pipeline.taxonomy_file import TaxonomyError, shipped
from pipeline.text.reading import Reader

READER = Reader()
TAXONOMIES = [load(name) for name in shipped()]
WORDS = sorted({word for taxonomy in TAXONOMIES for word in taxonomy.vocabulary})

texts = st.lists(
    st.one_of(st.sampled_from(WORDS), st.sampled_from([".", ",", "but", "!!", "12", "3rd"]), st.text(max_size=6))
).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(texts, st.sampled_from(TAXONOMIES), st.floats(-1, 1), st.data())
def test_any_text_is_answered(text: str, taxonomy, overall: float, data: st.DataObject) -> None:
    """Aspects of the taxonomy, each once, a bounded number, polarity within -1 and 1; phrases do not overlap."""
    reading = READER.read(text)
    places = st.integers(0, max(0, len(reading.words) - 1))
    spots = sorted(data.draw(st.sets(places, max_size=5))) if reading.words else []
    hits = [Hit(spot, spot + 1, data.draw(st.floats(-4, 4)), "lexicon") for spot in spots]
    found = find(reading, hits, overall, taxonomy)
    names = [aspect.aspect for aspect in found]
    assert len(set(names)) == len(names) <= ASPECTS_MAX
    assert all(aspect.department == taxonomy.aspects[aspect.aspect].department for aspect in found)
    assert all(-1.0 <= aspect.polarity <= 1.0 for aspect in found)
    assert found == find(reading, hits, overall, taxonomy)
    for phrases in (matches(reading, taxonomy), severe(reading, taxonomy)):
        ends = [0, *(one.end for one in phrases)]
        assert all(end <= one.start < one.end for end, one in zip(ends, phrases, strict=False))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_any_file_is_read_or_refused(text: str) -> None:
    """Nothing but TaxonomyError leaves, and it says something."""
    with pytest.raises(TaxonomyError) as refused:
        parse(text)
    assert all(refused.value.messages)


@pytest.mark.parametrize("piece", ["late bag ", "a", "😡 ", "lost my ", "delayed flight. ", "@x #y "])
def test_long_texts_are_fine(piece: str) -> None:
    """100,000 characters are answered like any others."""
    reading = READER.read(piece * (100_000 // len(piece)))
    for taxonomy in TAXONOMIES:
        assert len(find(reading, [], -1.0, taxonomy)) <= ASPECTS_MAX
