"""Torture on a real Kafka: a load, wreckers, and one checker over everything. `python -m tests.torture --help`."""
