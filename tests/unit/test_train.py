"""`cem train`: what it learns, what it says, and what it does with files that nothing can be learned from."""

import builtins
import csv
import gzip
import io
import random
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from agents.cli import main
from agents.models import main_aspect, model_scorer, read_model, sentiment_source
from agents.parts import listener_of
from agents.settings import Settings
from agents.training.calibration import calibrated
from agents.training.fit import INSTALL, train
from agents.training.labelled import Example, read_labelled
from agents.training.quality import calibration_error, figures
from pipeline.learned.grams import words_of
from pipeline.learned.model import Model, softmax
from pipeline.sentiment.learned import ModelScorer

numpy = pytest.importorskip("numpy", reason="training needs scikit-learn")
pytest.importorskip("sklearn", reason="training needs scikit-learn")

SAID = {
    "negative": ("waited an hour", "rude staff", "my order is lost", "never again", "still no refund"),
    "neutral": ("when do you open", "is there parking", "which bus goes there", "do you sell gloves", "where is it"),
    "positive": ("thank you", "great service", "loved the food", "well done", "best store in town"),
}
ANYTHING = (
    "the",
    "a",
    "to",
    "for",
    "with",
    "today",
    "here",
    "now",
    "store",
    "monday",
    "counter",
    "door",
    "bag",
    "line",
)
STARS = {"negative": "1", "neutral": "3", "positive": "5"}


def examples(count: int = 240, seed: int = 1) -> list[Example]:
    """Made up: what each class says, among words that say nothing; every tenth label is wrong."""
    generator = random.Random(seed)
    found = []
    for number in range(count):
        label = list(SAID)[number % 3]
        words = [*generator.choices(ANYTHING, k=6), generator.choice(SAID[label])]
        generator.shuffle(words)
        found.append(Example(" ".join(words), generator.choice(list(SAID)) if number % 10 == 9 else label, ""))
    return found


def file_with(folder: Path, rows: list[tuple[str, str]], name: str = "texts.csv") -> Path:
    """A CSV file with the columns `text` and `label`."""
    file = folder / name
    stream = io.StringIO()
    csv.writer(stream).writerows([("text", "label"), *rows])
    data = stream.getvalue().encode()
    file.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return file


def run(file: Path, *more: str, out: str = "out.model") -> Result:
    """`cem train` on the columns `text` and `label`."""
    words = ["train", str(file), "--text", "text", "--label", "label", "--out", str(file.parent / out), *more]
    return CliRunner().invoke(main, words)


@pytest.fixture(scope="module")
def trained() -> Any:
    """What was learned from the examples."""
    return train(examples(), sentiment_source(), name="made-up", target="sentiment", language="en")


def test_it_learns_what_the_texts_say(trained: Any) -> None:
    """Texts that it has not seen are told apart, but for the wrong labels."""
    scorer = ModelScorer(Model(trained.content), sentiment_source())
    unseen = examples(90, seed=2)
    right = sum(scorer.score(one.text).label == one.label for one in unseen)
    assert right >= 78
    assert 0.8 <= trained.quality.macro_f1 <= 0.97
    assert trained.quality.calibration_error <= 0.12


def test_the_same_file_gives_the_same_model(trained: Any) -> None:
    """To the byte."""
    again = train(examples(), sentiment_source(), name="made-up", target="sentiment", language="en")
    assert Model(trained.content).dumps() == Model(again.content).dumps()


def test_logits_are_those_of_scikit_learn() -> None:
    """Up to the calibration, what a model of whole numbers computes is what was learned."""
    from agents.training import fit

    source = sentiment_source()
    training = fit._Training(examples(), tuple(SAID), source, "sentiment", lambda doing, done, of: None)
    places = numpy.arange(len(training._truth))
    grams, weights, biases = training._fitted(places)
    learned = training._matrix(places, grams) @ weights + biases
    unseen = numpy.zeros(learned.shape)
    for others, fold in training._folds():
        grams, weights, biases = training._fitted(others)
        unseen[fold] = training._matrix(fold, grams) @ weights + biases
    honest = calibrated(unseen, training._truth)
    model = Model(training.trained("x", "en", "", {}).content)
    for row, example in zip(learned * honest.slope + honest.biases, examples(), strict=True):
        reading = source.reader.read(example.text)
        values = source.values(example.text, reading)
        assert pytest.approx(softmax(row), abs=1e-4) == model.probabilities(words_of(reading), values)


def test_weights_are_those_of_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its decision function, though features are made smaller for it, and moved to a mean of nothing."""
    from sklearn import linear_model

    from agents.training import fit

    decisions = []

    class Remembering(linear_model.LogisticRegression):  # type: ignore[misc]
        def fit(self, matrix: Any, *more: Any, **named: Any) -> Any:
            super().fit(matrix, *more, **named)
            decisions.append(self.decision_function(matrix))
            return self

    monkeypatch.setattr(linear_model, "LogisticRegression", Remembering)
    training = fit._Training(examples(), tuple(SAID), sentiment_source(), "sentiment", lambda doing, done, of: None)
    places = numpy.arange(len(training._truth))
    grams, weights, biases = training._fitted(places)
    assert pytest.approx(decisions[0]) == training._matrix(places, grams) @ weights + biases


def test_calibration_undoes_a_slope_and_a_shift() -> None:
    """Logits that are three times too sure, and in favour of one class, become honest."""
    generator = numpy.random.default_rng(3)
    logits = generator.normal(size=(4_000, 3))
    shares = numpy.exp(logits) / numpy.exp(logits).sum(1, keepdims=True)
    truth = numpy.array([generator.choice(3, p=share) for share in shares])
    found = calibrated(logits * 3.0 + numpy.array([2.0, 0.0, 0.0]), truth)
    assert pytest.approx(1 / 3, abs=0.03) == found.slope
    assert pytest.approx(-2 / 3, abs=0.15) == found.biases[0] - found.biases[1]


def test_figures_of_known_answers() -> None:
    """Accuracy, F1 of each class, their mean over what is true, and the distance of confidence and accuracy."""
    found = figures(["a", "a", "b", "b"], ["a", "b", "b", "c"], [0.95, 0.95, 0.15, 0.15])
    assert (0.5, 0.5833) == (found.accuracy, found.macro_f1)
    assert {"a": 0.6667, "b": 0.5, "c": 0.0} == found.class_f1
    assert pytest.approx((0.45 + 0.35) / 2) == found.calibration_error
    assert 0.0 == calibration_error([True, True], [1.0, 1.0])


@pytest.mark.parametrize(
    ("labels", "scale"),
    [
        ({"negative": "Negative", "neutral": "NEUTRAL", "positive": " positive"}, "words"),
        ({"negative": "1", "neutral": "3", "positive": "4"}, "stars"),
        ({"negative": "2", "neutral": "3", "positive": "4.5"}, "stars"),
        ({"negative": "2", "neutral": "3.0", "positive": "5"}, "stars"),
        ({"negative": "0", "neutral": "7", "positive": "10"}, "scores"),
        ({"negative": "6", "neutral": "8", "positive": "9"}, "scores"),
    ],
)
def test_labels_are_words_stars_or_scores(tmp_path: Path, labels: dict[str, str], scale: str) -> None:
    """Decided for the whole file, and said."""
    rows = [(f"text {number}", labels[label]) for number, label in enumerate([*SAID, *SAID])]
    found = read_labelled(file_with(tmp_path, rows), "text", "label")
    assert ([*SAID, *SAID], scale) == ([one.label for one in found.examples], found.scale)


def test_what_labels_are_can_be_said(tmp_path: Path) -> None:
    """Scores from 1 to 5 look like stars."""
    file = file_with(tmp_path, [("a b", "5"), ("c d", "2")])
    assert ["negative", "negative"] == [
        one.label for one in read_labelled(file, "text", "label", scale="scores").examples
    ]


def test_a_text_that_stands_there_twice_counts_once(tmp_path: Path) -> None:
    """With the label that most of its rows have; else it would be learned and then asked for."""
    rows = [("so late", "negative"), (" so  late ", "positive"), ("so late", "positive"), ("", "positive"), ("hm", "")]
    found = read_labelled(file_with(tmp_path, rows), "text", "label")
    assert [Example("so late", "positive", "")] == found.examples
    assert (2, 2) == (found.unlabelled, found.repeated)


def test_a_label_can_be_left_out(tmp_path: Path) -> None:
    """One that says nothing, such as "unknown", counts as none."""
    rows = [("so late", "1"), ("so good", "unknown")]
    found = read_labelled(file_with(tmp_path, rows), "text", "label", without=("unknown",))
    assert ([Example("so late", "negative", "")], 1) == (found.examples, found.unlabelled)


def test_the_command_writes_a_model_and_its_quality(tmp_path: Path) -> None:
    """Beside VADER; the model scores without scikit-learn, under its name; the setting puts it in force."""
    rows = [(one.text, STARS[one.label]) for one in examples()]
    result = run(file_with(tmp_path, rows, "texts.csv.gz"), "--json", out="stores.model")
    assert 0 == result.exit_code, result.output
    said = orjson.loads(result.stdout)
    file = tmp_path / "stores.model"
    assert ("stars", file.stat().st_size) == (said["labels"], said["bytes"])
    assert said["quality"]["model"]["macro_f1"] > said["quality"]["vader/3.3.2"]["macro_f1"]
    assert {"texts", "accuracy", "macro_f1", "class_f1", "calibration_error"} == said["quality"]["model"].keys()
    scorer = model_scorer(file)
    assert ("negative", said["model"]) == (scorer.score("rude staff").label, scorer.score("rude staff").model)
    assert said["model"].startswith("stores/")
    assert said["model"] == listener_of(Settings(model=str(file))).model


def test_people_get_a_table(tmp_path: Path) -> None:
    """With what the labels were read as."""
    result = run(file_with(tmp_path, [(one.text, one.label) for one in examples()]))
    assert 0 == result.exit_code, result.output
    for word in ("labels read as negative, neutral, positive", "macro F1", "vader/3.3.2", "240 texts"):
        assert word in result.stdout


def test_json_lines_and_groups(tmp_path: Path) -> None:
    """A group is judged by what was learned from the others."""
    file = tmp_path / "texts.jsonl"
    lines = [
        orjson.dumps({"text": one.text, "label": one.label, "brand": number % 4})
        for number, one in enumerate(examples())
    ]
    file.write_bytes(b"\n".join(lines))
    result = run(file, "--group", "brand", "--json")
    assert 0 == result.exit_code, result.output
    assert orjson.loads(result.stdout)["quality"]["model"]["accuracy"] > 0.75


def test_the_main_aspect_is_learned_the_same_way(tmp_path: Path) -> None:
    """By the names that the labels give; with the phrases of the taxonomy that finds most, which is said."""
    topics = {"Lost luggage": "my bag is lost", "Late flight": "flight delayed for hours", "Staff": "rude crew"}
    generator = random.Random(5)
    rows = []
    for number in range(150):
        topic = list(topics)[number % 3]
        rows.append((" ".join([*generator.choices(ANYTHING, k=5), topics[topic]]), topic))
    rows.append(("something else entirely", "Other"))
    result = run(file_with(tmp_path, rows), "--target", "aspect", "--json")
    assert 0 == result.exit_code, result.output
    said = orjson.loads(result.stdout)
    assert (sorted(topics), {"Other": 1}) == (said["classes"], said["left_out"])
    found = main_aspect(tmp_path / "out.model").of("they say the bag is lost")
    assert "Lost luggage" == found.aspect
    assert 0.5 < found.confidence <= 1.0


ENOUGH = [(one.text, one.label) for one in examples(60)]


@pytest.mark.parametrize(
    ("rows", "more", "said"),
    [
        ([], (), "no row has both a text in 'text' and a label in 'label'"),
        ([("so late", "")], (), "no row has both"),
        ([*ENOUGH, ("so late", "bad")], (), "line 62: the label 'bad' is not negative, neutral, positive"),
        ([("so late", "1"), ("so good", "11")], (), "line 3: the label '11' is not one of"),
        ([("so late", "1"), ("so good", "nan")], (), "line 3: the label 'nan'"),
        ([("so late", "1"), ("so good", "6")], ("--labels", "stars"), "line 3: the label '6' is not stars from 1 to 5"),
        ([(text, "negative") for text, _ in ENOUGH], (), "are negative; give texts of at least two classes"),
        (ENOUGH[:20], (), "are too few; at least 30 are needed"),
        ([(text, f"aspect {text}") for text, _ in ENOUGH], ("--target", "aspect"), "are too few"),
        (ENOUGH, ("--target", "aspect", "--taxonomy", "spaceship"), "there is no taxonomy 'spaceship'"),
        (ENOUGH, ("--group", "brand"), "there is no column 'brand'; it has text, label"),
    ],
    ids=range(11),
)
def test_what_cannot_be_learned_from_is_told(
    tmp_path: Path, rows: list[tuple[str, str]], more: tuple[str, ...], said: str
) -> None:
    """One sentence with file and line, exit code 2, and no model is written."""
    result = run(file_with(tmp_path, rows), *more)
    assert 2 == result.exit_code
    assert said in result.stderr
    assert 1 == len(result.stderr.strip().splitlines())
    assert not (tmp_path / "out.model").exists()


def test_other_files_are_told_too(tmp_path: Path) -> None:
    """An empty file, another column, JSON that is none, a folder that is not there."""
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    assert "the file is empty" in run(empty).stderr
    other = tmp_path / "other.csv"
    other.write_text("review,stars\nso late,1\n")
    assert "there is no column 'text'; it has review, stars" in run(other).stderr
    lines = tmp_path / "lines.jsonl"
    lines.write_text('{"text": "so late", "label": "1"}\nso late\n')
    assert "lines.jsonl, line 2: is not JSON" in run(lines).stderr
    assert "there is no folder" in run(other, out="nowhere/out.model").stderr


def test_without_scikit_learn_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And scoring with a model needs none."""
    file = file_with(tmp_path, ENOUGH)
    assert 0 == run(file).exit_code
    real = builtins.__import__

    def without(name: str, *more: Any) -> Any:
        if name.partition(".")[0] in ("sklearn", "scipy", "numpy", "threadpoolctl"):
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    result = run(file, out="other.model")
    assert (2, f"Error: {INSTALL}\n") == (result.exit_code, result.stderr)
    assert "negative" == model_scorer(tmp_path / "out.model").score("rude staff").label


def test_a_model_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    """One sentence with where it was set, before anything is scored."""
    file = tmp_path / "damaged.model"
    file.write_bytes(b"CEMMODEL\x01\x00")
    result = CliRunner().invoke(main, ["settings"], env={"CEM_MODEL": str(file)})
    assert 2 == result.exit_code
    assert f"Error: model (CEM_MODEL): {file}: is damaged" in result.stderr
    result = CliRunner().invoke(main, ["settings"], env={"CEM_MODEL": str(tmp_path / "none")})
    assert "cannot be read: No such file or directory" in result.stderr


def test_models_of_many_texts_stay_small(trained: Any, tmp_path: Path) -> None:
    """A model that was written can be read, and is far below what is allowed."""
    file = tmp_path / "small.model"
    file.write_bytes(Model(trained.content).dumps())
    assert file.stat().st_size < 20_000
    assert trained.content == read_model(file).content
