"""Models: what comes out of a file is what went in, and a file that is no model is told so."""

import hashlib
import random
import struct
import zlib
from collections.abc import Sequence
from math import log
from typing import Any

import msgspec
import pytest

from pipeline.learned.features import SentimentFeatures
from pipeline.learned.file import MAGIC, VERSION, Content, ModelError, Quality, decode, encode, grams_in
from pipeline.learned.grams import VERSION as READING
from pipeline.learned.grams import grams_of, words_of
from pipeline.learned.model import Model
from pipeline.sentiment.learned import ModelScorer
from pipeline.sentiment.scorer import label_of
from pipeline.text.reading import Reader

SOURCE = SentimentFeatures()
CLASSES = ("negative", "neutral", "positive")
GRAMS = {"late": (900, -300, -600), "thanks": (-32_768, 0, 32_767), "^ late": (5, 6, -11), "so": (1, 2, 3)}


def content(**changed: Any) -> Content:
    """A small model of sentiment."""
    values: dict[str, Any] = {
        "name": "stores",
        "target": "sentiment",
        "language": "en",
        "classes": CLASSES,
        "reading": READING,
        "source": SOURCE.identity,
        "features": SOURCE.names,
        "grams": "\n".join(GRAMS),
        "weights": b"".join(struct.pack("<3h", *row) for row in GRAMS.values()),
        "scale": 0.001,
        "feature_weights": tuple((-0.1, 0.0, 0.1) if name == "compound" else (0.0,) * 3 for name in SOURCE.names),
        "biases": (0.5, 0.1, -0.6),
        "factors": (1.0, 1.5, 1.4),
        "quality": Quality(texts=100, accuracy=0.8, macro_f1=0.7, calibration_error=0.01),
    }
    return Content(**{**values, **changed})


def file_of(payload: bytes, version: int = VERSION) -> bytes:
    """A file whose checksum is right, whatever is in it."""
    return MAGIC + version.to_bytes(2, "little") + hashlib.sha256(payload).digest() + payload


def packed(**changed: Any) -> bytes:
    """A file with other fields than a model has, its checksum right."""
    values = msgspec.msgpack.decode(msgspec.msgpack.encode(content()))
    return file_of(zlib.compress(msgspec.msgpack.encode({**values, **changed})))


def test_a_model_is_the_same_after_it_was_written_and_read() -> None:
    """Content, identity and bytes; the name and eight digits of the checksum are its identity."""
    model = Model(content())
    again = Model.load(model.dumps())
    assert (model.content, model.identity, model.dumps()) == (again.content, again.identity, again.dumps())
    assert "stores/" == again.identity[:7]
    assert 8 == len(again.identity.partition("/")[2])


def test_another_weight_is_another_model() -> None:
    """Insights name what scored them, so the identity changes with the model."""
    assert Model(content()).identity != Model(content(biases=(0.5, 0.1, -0.5))).identity


def test_logits_are_sums_of_weights() -> None:
    """Each n-gram that the model knows counts once, each feature times its value, and the bias."""
    model = Model(content())
    values = [0.0] * len(SOURCE.names)
    values[SOURCE.names.index("compound")] = -0.5
    found = model.logits(["late", "nobody", "knows", "thanks", "late"], values)
    expected = [0.5 + 0.05 + 0.9 + 0.005 - 32.768, 0.1 - 0.3 + 0.006, -0.6 - 0.05 - 0.6 - 0.011 + 32.767]
    assert pytest.approx(expected, abs=1e-9) == found


def test_probabilities_are_those_of_a_softmax() -> None:
    """They add up to 1, and their logarithms are as far apart as the logits."""
    model = Model(content())
    values = SOURCE.values("", Reader().read(""))
    logits, probabilities = model.logits(["late"], values), model.probabilities(["late"], values)
    assert pytest.approx(1.0) == sum(probabilities)
    assert pytest.approx(logits[0] - logits[1]) == log(probabilities[0] / probabilities[1])


def test_extreme_texts_have_probabilities_too() -> None:
    """Weights that would overflow an exponential do not."""
    model = Model(content(scale=1.0))
    assert (1.0, 0.0, 0.0) == model.probabilities(["late"], [0.0] * len(SOURCE.names))


def test_the_order_of_n_grams_changes_nothing() -> None:
    """To the last bit: the order of a set is another one in each process."""
    generator = random.Random(7)
    rows = {f"w{number}": [generator.randint(-32_768, 32_767) for _ in CLASSES] for number in range(3_000)}
    weights = b"".join(struct.pack("<3h", *row) for row in rows.values())
    model = Model(content(grams="\n".join(rows), weights=weights, scale=0.00037))
    names = list(rows)
    values = [0.1] * len(SOURCE.names)
    expected = model.logits(names, values)
    for _ in range(5):
        generator.shuffle(names)
        assert expected == model.logits(names, values)
    sums = [sum(row[place] for row in rows.values()) for place in range(3)]
    compound = [weight * 0.1 for weight in (-0.1, 0.0, 0.1)]
    biases = model.content.biases
    assert pytest.approx([0.00037 * sums[k] + compound[k] + biases[k] for k in range(3)], abs=1e-6) == expected


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is no model; give a file that `cem train` wrote"),
        (b"PK\x03\x04 a zip file", "is no model"),
        (b"\x80\x04\x95 a pickle", "is no model"),
        (encode(content())[:-1], "is damaged: its checksum is another one"),
        (encode(content())[:20], "is damaged"),
        (file_of(b"", VERSION + 1), "was written by a newer Social CEM (format 2, this one reads up to 1)"),
        (file_of(b"not packed"), "is damaged"),
        (file_of(zlib.compress(b"\xc1")), "is damaged"),
        (file_of(zlib.compress(b"")), "is damaged"),
        (file_of(zlib.compress(bytes(40_000_000))), "unpacks to more than 32000000 bytes"),
        (bytes(5_000_001), "has more than 5000000 bytes"),
        (packed(classes=["negative"]), "is damaged"),
        (packed(classes=["negative", "neutral", "neutral"]), "a class twice"),
        (packed(classes=["negative", "neutral", "late"]), "a class that is no sentiment"),
        (packed(weights=b"1234"), "other n-grams than weights"),
        (packed(grams="late\nlate\nso\nno"), "an n-gram twice"),
        (packed(biases=[0.0, 0.0]), "other classes than weights"),
        (packed(biases=[0.0, 0.0, float("nan")]), "a weight that is no number"),
        (packed(factors=[1.0, 1.0, 0.0]), "is damaged"),
        (packed(features=["compound"]), "other features than weights"),
        (packed(scale=-1.0), "is damaged"),
        (packed(run="rm"), "is damaged"),
    ],
    ids=range(22),
)
def test_a_file_that_is_no_model_is_told_so(data: bytes, said: str) -> None:
    """Damaged, foreign, too new, too large, or made to deceive: one sentence, and nothing is run."""
    with pytest.raises(ModelError) as caught:
        Model.load(data)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_damage_of_one_byte_goes_unseen() -> None:
    """Each byte of a file is looked at, or checked."""
    data = encode(content())
    for place in range(len(data)):
        damaged = data[:place] + bytes([data[place] ^ 0x41]) + data[place + 1 :]
        with pytest.raises(ModelError):
            decode(damaged)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"source": "care-en/1-other"}, "train it again"),
        ({"reading": READING + 1}, "train it again"),
        ({"features": (), "feature_weights": ()}, "train it again"),
        ({"target": "aspect"}, "is a model of aspect, not of sentiment"),
    ],
)
def test_a_model_works_with_its_own_features_only(changed: dict[str, Any], said: str) -> None:
    """With others its weights would mean something else."""
    with pytest.raises(ModelError) as caught:
        ModelScorer(Model(content(**changed)), SOURCE)
    assert said in str(caught.value)


TEXTS = ("Late again", "thanks so much", "", "so", "Is the store open?", "late thanks", "@united flying united", "😀")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("rating", [None, 1.0, 3.0, 5.0])
def test_label_and_compound_say_the_same(text: str, rating: float | None) -> None:
    """By the thresholds of VADER's authors, which everything behind the scorer goes by."""
    found = ModelScorer(Model(content()), SOURCE).score(text, rating=rating)
    assert found.label == label_of(found.compound)
    assert 0.0 <= found.confidence <= 1.0
    assert Model(content()).identity == found.model


def test_confidence_is_the_probability_of_the_label() -> None:
    """Not that of the class which would be most probable without favour."""
    model = Model(content(grams="", weights=b"", biases=(0.0, log(0.9), -20.0), factors=(1.0, 2.0, 1.0)))
    found = ModelScorer(model, SOURCE).score("thing")
    share = 0.9 / 1.9
    assert ("neutral", round(share, 3)) == (found.label, round(found.confidence, 3))


def test_a_label_by_a_hair_has_a_compound_of_its_side() -> None:
    """Negative by 0.401 to 0.399 is still below VADER's threshold."""
    model = Model(content(grams="", weights=b"", biases=(log(0.401), log(0.2), log(0.399)), factors=(1.0, 1.0, 1.0)))
    found = ModelScorer(model, SOURCE).score("thing")
    assert ("negative", -0.05) == (found.label, found.compound)


def test_stars_count_beside_the_text() -> None:
    """More stars are more positive; five outweigh a text that is a little negative."""
    scorer = ModelScorer(Model(content()), SOURCE)
    compounds = [scorer.score("so", rating=stars).compound for stars in (1.0, 2.0, 3.0, 4.0, 5.0)]
    assert sorted(compounds) == compounds
    assert "positive" == scorer.score("so", rating=5.0).label


def test_stars_alone_are_judged_in_any_language() -> None:
    """Three of five are neutral; without stars and without words that it knows a model has no opinion."""
    scorer = ModelScorer(Model(content()), SOURCE)
    expected = ["negative", "negative", "neutral", "positive", "positive"]
    assert expected == [scorer.score("", rating=stars).label for stars in (1.0, 2.0, 3.0, 4.0, 5.0)]
    assert expected == [scorer.score("spät", language="de", rating=stars).label for stars in (1.0, 2.0, 3.0, 4.0, 5.0)]
    assert [True, True] == [scorer.score("").abstained, scorer.score("spät", language="de").abstained]


def test_another_language_is_abstained() -> None:
    """A model knows the language that it was trained for; where nobody can tell, it is taken as that."""
    scorer = ModelScorer(Model(content(language="de")), SOURCE)
    assert [True, False, False, False] == [
        scorer.score("late", language=language).abstained for language in ("en", "de-AT", "und", None)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Waited 45 minutes", {"waited", "0", "minutes", "^ waited", "waited 0", "0 minutes", "minutes $"}),
        ("@united united again", {"@", "again", "^ @", "@ @", "@ again", "again $"}),
        ("united again", {"united", "again", "^ united", "united again", "again $"}),
        ("no no no", {"no", "^ no", "no no", "no $"}),
        ("", {"^ $"}),
    ],
)
def test_n_grams(text: str, expected: set[str]) -> None:
    """Words and pairs, each once; numbers are one number; a word that is also a handle is a name."""
    assert expected == grams_of(words_of(Reader().read(text)))


def test_a_model_finds_the_n_grams_that_it_was_trained_on() -> None:
    """In its own way, which is quicker: the same for any words, repeated ones too."""
    generator = random.Random(11)
    texts = [generator.choices(["no", "so", "late", "@", "0", "ok"], k=generator.randint(0, 12)) for _ in range(300)]
    known = sorted({gram for words in texts[::2] for gram in grams_of(words) if generator.random() < 0.6})
    rows = [[generator.randint(-999, 999) for _ in CLASSES] for _ in known]
    weights = b"".join(struct.pack("<3h", *row) for row in rows)
    model = Model(content(grams="\n".join(known), weights=weights, scale=1.0, biases=(0.0, 0.0, 0.0)))
    for words in texts:
        found = [row for gram, row in zip(known, rows, strict=True) if gram in grams_of(words)]
        expected = [float(sum(row[place] for row in found)) for place in range(3)]
        assert expected == model.logits(words, [0.0] * len(SOURCE.names))


def test_a_name_moves_no_feature() -> None:
    """ "Best" is a good word, but not where people write to @best."""
    assert _values("@best best late") == _values("@acme acme late")
    assert _values("we are best") != _values("we are acme")


def _values(text: str) -> Sequence[float]:
    return SOURCE.values(text, SOURCE.reader.read(text))


def test_as_many_values_as_names() -> None:
    """For any text."""
    assert {len(SOURCE.names)} == {len(_values(text)) for text in TEXTS}


def test_what_a_content_holds_is_what_the_grams_are() -> None:
    """No n-grams are no lines, not one empty line."""
    assert [] == grams_in(content(grams="", weights=b""))
