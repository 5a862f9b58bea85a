"""Logits of texts that a model has not seen -> how to make probabilities of them that mean what they say.

Two steps. One slope for all logits and a bias for each class, so that of all texts with a probability of 0.8 eight in
ten are right. Then factors that favour rare classes when one class is said: the most probable one would be the frequent
one too often. The rule: the factors never touch a probability.

Sources: Guo et al., "On Calibration of Modern Neural Networks", 2017; Menon et al., "Long-tail learning via logit
adjustment", 2021.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

FAVOURS: Final = tuple(step / 10 for step in range(11))
"""A class is favoured by its share to the power of minus this."""
FAVOUR_GAIN_MIN: Final = 0.005
"""What favouring rare classes must add to macro F1 to be done."""
SLOPE_MIN, SLOPE_MAX = 0.05, 5.0
BIAS_MAX: Final = 20.0
PENALTY: Final = 1e-3
"""Of a bias, squared: a class with few texts does not run away."""


class Calibration(NamedTuple):
    """softmax(logits * slope + biases) are probabilities; `factors`: by how much each class is favoured."""

    slope: float
    biases: Any
    factors: Any


def calibrated(logits: Any, truth: Any) -> Calibration:
    """`logits`: a row for each text; `truth`: the number of its class. Favours none."""
    import numpy as np
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    count = logits.shape[1]
    rows = np.arange(len(truth))
    true = np.zeros(logits.shape)
    true[rows, truth] = 1.0

    def loss(point: Any) -> tuple[float, Any]:
        """Mean negative log-likelihood and its gradient."""
        scores = logits * point[0] + point[1:]
        scores = scores - logsumexp(scores, axis=1, keepdims=True)
        off = (np.exp(scores) - true) / len(truth)
        value = -scores[rows, truth].mean() + PENALTY / 2 * np.sum(point[1:] ** 2)
        return float(value), np.concatenate([[np.sum(off * logits)], off.sum(0) + PENALTY * point[1:]])

    start = np.concatenate([[1.0], np.zeros(count)])
    bounds = [(SLOPE_MIN, SLOPE_MAX)] + [(-BIAS_MAX, BIAS_MAX)] * count
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return Calibration(float(found[0]), found[1:], np.ones(count))


def favoured(plain: Calibration, logits: Any, truth: Any) -> Calibration:
    """With the factors that give the best macro F1, where they give a clearly better one."""
    import numpy as np
    from sklearn.metrics import f1_score

    shares = np.maximum(np.bincount(truth, minlength=logits.shape[1]) / len(truth), 1e-9)
    options = [plain._replace(factors=(shares / shares.max()) ** -favour) for favour in FAVOURS]
    reached = [f1_score(truth, said_by(option, logits)[0], average="macro") for option in options]
    best = int(np.argmax(reached))
    return options[best] if reached[best] >= reached[0] + FAVOUR_GAIN_MIN else plain


def said_by(calibration: Calibration, logits: Any) -> tuple[Any, Any]:
    """The number of the class that is said of each text, and its probability."""
    import numpy as np
    from scipy.special import softmax

    probabilities = softmax(logits * calibration.slope + calibration.biases, axis=1)
    said = (probabilities * calibration.factors).argmax(1)
    return said, probabilities[np.arange(len(said)), said]
