"""Understanding keeps its pace; how fast it is, `python -m tests.evaluation.speed` says."""

from tests.evaluation.speed import measure


def test_understanding_costs_a_few_times_what_the_package_does() -> None:
    """With much room: what is caught is a step that has become slow, not a busy machine."""
    found = measure(texts=100, rounds=4)

    assert found["hear_ratio"] < 5.0
    assert found["hear_ratio"] < found["enrich_ratio"]
