"""Examples -> a model: a linear model on n-grams and features, cross-fitted, calibrated, made small.

1. Each text is read once: its n-grams and features (`pipeline/learned/`).
2. The texts are cut into folds (or by their groups); each fold is predicted by a model of the others.
3. From these predictions one slope and a bias for each class are fitted, which make the probabilities honest; and by
   how much rare classes are favoured when one is said. The figures reported come from folds that no part of this saw.
4. A model of all texts gets that calibration into its weights, which become whole numbers.

The one rule: the same examples give the same model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from agents.training.calibration import Calibration, calibrated, favoured, said_by
from agents.training.labelled import Example
from agents.training.quality import Figures, figures
from pipeline.learned.features import FeatureSource
from pipeline.learned.file import CLASSES_MAX, GRAMS_MAX, Content, Quality, Target
from pipeline.learned.grams import VERSION, grams_of, words_of

INSTALL: Final = "training needs scikit-learn, which is not installed; install it with: pip install 'scikit-learn>=1.4'"
FOLDS: Final = 5
TEXTS_MIN: Final = 30
CLASS_TEXTS_MIN: Final = FOLDS
GRAM_TEXTS_MIN: Final = 2
"""An n-gram of one text alone is not learned."""
STRENGTH: Final = 0.1
"""How freely weights may grow (the inverse of the L2 penalty), for n-grams that count 1 where they are."""
FEATURE_SIZE: Final = 0.15
"""The standard deviation of a feature, beside n-grams of 0 and 1: what the penalty sees."""
BALANCE: Final[dict[Target, float]] = {"sentiment": 0.5, "aspect": 0.0}
"""Weight of a class while learning: its share to the power of minus this."""
WEIGHT_MAX: Final = 32_767
STEPS_MAX: Final = 400
Told = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


class TrainingError(ValueError):
    """Examples that nothing can be learned from: why, and what to do."""


class Trained(NamedTuple):
    """`left_out`: classes with too few texts, and how many. `texts`, `truth`, `said`, `confidence`: cross-fitted, one
    entry for each text, for whoever wants to compare."""

    content: Content
    quality: Figures
    left_out: dict[str, int]
    texts: list[str]
    truth: list[str]
    said: list[str]
    confidence: list[float]


def train(
    examples: Sequence[Example],
    source: FeatureSource,
    *,
    name: str,
    target: Target,
    language: str,
    taxonomy: str = "",
    told: Told = lambda doing, done, of: None,
) -> Trained:
    """Raises TrainingError; a ModelError where the model would be too large."""
    _check_installed()
    from threadpoolctl import threadpool_limits

    kept, left_out = _kept(examples)
    classes = tuple(sorted({example.label for example in kept}))
    with threadpool_limits(limits=1):  # the order of sums, and so the result, does not depend on the machine's load
        return _Training(kept, classes, source, target, told).trained(name, language, taxonomy, left_out)


class _Training:
    def __init__(
        self, examples: Sequence[Example], classes: tuple[str, ...], source: FeatureSource, target: Target, told: Told
    ) -> None:
        import numpy as np

        self._examples, self._classes, self._source, self._target, self._told = examples, classes, source, target, told
        self._grams: list[list[str]] = []
        values: list[Sequence[float]] = []
        shared: dict[str, str] = {}  # texts share their n-grams, and so their memory
        for done, example in enumerate(examples, start=1):
            reading = source.reader.read(example.text)
            self._grams.append([shared.setdefault(gram, gram) for gram in sorted(grams_of(words_of(reading)))])
            values.append(source.values(example.text, reading))
            if done % 500 == 0 or done == len(examples):
                told("reading", done, len(examples))
        self._values = np.array(values, float).reshape(len(examples), len(source.names))
        self._truth = np.array([classes.index(example.label) for example in examples])

    def trained(self, name: str, language: str, taxonomy: str, left_out: dict[str, int]) -> Trained:
        import numpy as np

        folds = list(self._folds())
        logits = np.zeros((len(self._examples), len(self._classes)))
        fold_of = np.zeros(len(self._examples), int)
        for number, (others, fold) in enumerate(folds):
            self._told("learning", number, len(folds) + 1)
            grams, weights, biases = self._fitted(others)
            logits[fold] = self._matrix(fold, grams) @ weights + biases
            fold_of[fold] = number
        said, confidence = np.zeros(len(logits), int), np.zeros(len(logits))
        for number in range(len(folds)):
            here, others = fold_of == number, fold_of != number
            honest = self._honest(logits[others], self._truth[others])
            said[here], confidence[here] = said_by(honest, logits[here])
        names = np.array(self._classes)
        truth_said = names[self._truth].tolist(), names[said].tolist()
        quality = figures(*truth_said, confidence.tolist())
        self._told("learning", len(folds), len(folds) + 1)
        content = self._content(self._honest(logits, self._truth), quality, name, language, taxonomy)
        self._told("learning", len(folds) + 1, len(folds) + 1)
        texts = [example.text for example in self._examples]
        return Trained(content, quality, left_out, texts, *truth_said, confidence.tolist())

    def _folds(self) -> Iterator[tuple[Any, Any]]:
        """Pairs of what is learned from and what is then predicted. With several groups, each group is unseen."""
        from sklearn.model_selection import GroupKFold, StratifiedKFold

        groups = [example.group for example in self._examples]
        count = len(set(groups))
        if count > 1:
            yield from GroupKFold(min(count, FOLDS)).split(self._truth, self._truth, groups)
        else:
            yield from StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(self._truth, self._truth)

    def _fitted(self, chosen: Any) -> tuple[dict[str, int], Any, Any]:
        """n-grams with their places, weights (a row for each n-gram, then one for each feature), biases."""
        import numpy as np
        from sklearn.linear_model import LogisticRegression

        grams = self._vocabulary(chosen)
        matrix = self._matrix(chosen, grams)
        values = self._values[chosen]
        deviations = values.std(0)
        sizes = np.where(deviations > 1e-9, FEATURE_SIZE / np.maximum(deviations, 1e-9), 0.0)
        means = values.mean(0)
        matrix = self._matrix(chosen, grams, lambda rows: (rows - means) * sizes)
        truth = self._truth[chosen]
        shares = np.bincount(truth, minlength=len(self._classes)) / len(truth)
        weights = np.maximum(shares, 1e-9)[truth] ** -BALANCE[self._target]
        learner = LogisticRegression(C=STRENGTH, max_iter=STEPS_MAX, tol=1e-3)
        learner.fit(matrix, truth, sample_weight=weights / weights.mean())
        learned, biases = learner.coef_.T, learner.intercept_
        if learned.shape[1] == 1:
            learned, biases = np.hstack([-learned / 2, learned / 2]), np.array([-biases[0] / 2, biases[0] / 2])
        rows = np.zeros((learned.shape[0], len(self._classes)))
        rows[:, learner.classes_] = learned
        whole = np.full(len(self._classes), -20.0)  # a class that a fold has not seen
        whole[learner.classes_] = biases
        features = rows[len(grams) :] * sizes[:, None]
        rows[len(grams) :] = features
        return grams, rows, whole - means @ features

    def _vocabulary(self, chosen: Any) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for place in chosen:
            counts.update(self._grams[place])
        frequent = [gram for gram, count in counts.items() if count >= GRAM_TEXTS_MIN and "\n" not in gram]
        frequent.sort(key=lambda gram: (-counts[gram], gram))
        return {gram: place for place, gram in enumerate(sorted(frequent[:GRAMS_MAX]))}

    def _matrix(self, chosen: Any, grams: dict[str, int], scaled: Callable[[Any], Any] = lambda rows: rows) -> Any:
        """Sparse: a row for each text; 1 for each n-gram that it has, then its features."""
        import numpy as np
        from scipy.sparse import csr_matrix, hstack

        columns: list[int] = []
        ends = [0]
        for place in chosen:
            columns += [grams[gram] for gram in self._grams[place] if gram in grams]
            ends.append(len(columns))
        shape = (len(chosen), len(grams))
        known = csr_matrix((np.ones(len(columns)), np.array(columns, int), np.array(ends)), shape=shape)
        return hstack([known, csr_matrix(scaled(self._values[chosen]))], format="csr")

    def _honest(self, logits: Any, truth: Any) -> Calibration:
        found = calibrated(logits, truth)
        return favoured(found, logits, truth) if self._target == "sentiment" else found

    def _content(self, calibration: Calibration, quality: Figures, name: str, language: str, taxonomy: str) -> Content:
        """A model of all texts. n-grams whose weights come out as nothing are left out."""
        import numpy as np

        grams, weights, biases = self._fitted(np.arange(len(self._examples)))
        weights, biases = weights * calibration.slope, biases * calibration.slope + calibration.biases
        weights = weights - weights.mean(1, keepdims=True)  # changes no probability, and makes all of them smaller
        words, features = weights[: len(grams)], weights[len(grams) :]
        scale = _rounded(max(float(np.abs(words).max(initial=0.0)), 1e-6) / WEIGHT_MAX * 1.000001)
        whole = np.rint(words / scale).astype("<i2")
        kept = whole.any(1)
        return Content(
            name=name,
            target=self._target,
            language=language,
            classes=self._classes,
            reading=VERSION,
            source=self._source.identity,
            taxonomy=taxonomy,
            features=self._source.names,
            grams="\n".join(gram for gram, stays in zip(grams, kept, strict=True) if stays),
            weights=whole[kept].tobytes(),
            scale=scale,
            feature_weights=tuple(tuple(_rounded(weight) for weight in row) for row in features),
            biases=tuple(_rounded(bias) for bias in biases),
            factors=tuple(_rounded(factor) for factor in calibration.factors),
            quality=Quality(
                texts=quality.texts,
                accuracy=quality.accuracy,
                macro_f1=quality.macro_f1,
                calibration_error=quality.calibration_error,
            ),
        )


def _check_installed() -> None:
    try:
        import sklearn  # noqa: F401
    except ImportError:
        raise TrainingError(INSTALL) from None


def _kept(examples: Sequence[Example]) -> tuple[list[Example], dict[str, int]]:
    """Examples of classes with enough texts; the others' classes and how many they have."""
    counts = Counter(example.label for example in examples)
    left_out = {label: count for label, count in sorted(counts.items()) if count < CLASS_TEXTS_MIN}
    kept = [example for example in examples if example.label not in left_out]
    classes = len(counts) - len(left_out)
    if len(counts) == 1:
        raise TrainingError(f"all {len(examples)} texts are {next(iter(counts))}; give texts of at least two classes")
    if len(kept) < TEXTS_MIN or classes < 2:
        raise TrainingError(
            f"{len(examples)} different texts of {len(counts)} classes are too few; at least {TEXTS_MIN} are needed, "
            f"and two classes with {CLASS_TEXTS_MIN} each"
        )
    if classes > CLASSES_MAX:
        raise TrainingError(f"{classes} classes; {CLASSES_MAX} are allowed; is the label column the right one?")
    return kept, left_out


def _rounded(number: Any) -> float:
    """To seven digits: more is noise of the machine."""
    return float(f"{float(number):.7g}")
