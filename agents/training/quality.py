"""How good labels and confidences are: what was said beside what is true, and how sure it was.

Source of the calibration error: Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning", 2015.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

BINS: Final = 10


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Shares from 0 to 1. `class_f1`: of each class that is true or was said; `macro_f1`: their mean over the classes
    that are true of some text; `calibration_error`: the mean distance of confidence and accuracy, over ten bins."""

    texts: int
    accuracy: float
    macro_f1: float
    class_f1: dict[str, float]
    calibration_error: float


def figures(truth: Sequence[str], said: Sequence[str], confidence: Sequence[float]) -> Figures:
    """One entry for each text, at least one."""
    right = [true == one for true, one in zip(truth, said, strict=True)]
    classes = {name: _f1(name, truth, said) for name in sorted({*truth, *said})}
    present = set(truth)
    return Figures(
        texts=len(right),
        accuracy=round(sum(right) / len(right), 4),
        macro_f1=round(sum(classes[name] for name in present) / len(present), 4),
        class_f1={name: round(value, 4) for name, value in classes.items()},
        calibration_error=round(calibration_error(right, confidence), 4),
    )


def calibration_error(right: Sequence[bool], confidence: Sequence[float]) -> float:
    """Ten bins of confidence, each as wide; weighed by how many texts they hold."""
    bins: list[list[tuple[bool, float]]] = [[] for _ in range(BINS)]
    for one, sure in zip(right, confidence, strict=True):
        bins[min(int(sure * BINS), BINS - 1)].append((one, sure))
    return sum(abs(sum(one for one, _ in held) - sum(sure for _, sure in held)) for held in bins) / len(right)


def _f1(name: str, truth: Sequence[str], said: Sequence[str]) -> float:
    both = sum(true == name == one for true, one in zip(truth, said, strict=True))
    either = sum(true == name for true in truth) + sum(one == name for one in said)
    return 2 * both / either if either else 0.0
