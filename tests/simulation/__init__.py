"""A seeded model of Kafka and of worker processes around the real delivery layer and the real core.

`loop.py` a process, `broker.py` Kafka, `worker.py` what hosts the service in place of Faust, `input.py` what is sent,
`world.py` time, chance and faults. Whatever a seed does, `tests/checker.py` decides whether it was right.
"""
