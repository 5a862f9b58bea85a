"""Measurements, side by side on one machine, on one Kafka, in one run. Run by `make bench`, not by pytest.

`python -m tests.benchmarks --help` says what there is. Each part is a module with `measure` (a Kafka, a plan → plain
data) and `tables` (that data → what a person reads).
"""
