"""What goes out in a transaction: by partition, in order, in batches that fit."""

from typing import Any

from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as murmur2_of_kafka_python

from agents.kafka.transaction import TransactionalWriter, grouped, partition_of
from pipeline.emission import Emission


@given(key=st.binary(max_size=60), width=st.integers(1, 50))
def test_keys_go_where_kafkas_own_clients_put_them(key: bytes, width: int) -> None:
    """kafka-python and aiokafka agree with us."""
    expected = (murmur2_of_kafka_python(key) & 0x7FFFFFFF) % width
    assert expected == partition_of(key, width) == (murmur2(key) & 0x7FFFFFFF) % width


def test_a_partitions_records_keep_their_order() -> None:
    """Whether their partition is given or follows from the key; records without a key go to the first."""
    out = [Emission("t", b"a", b"1"), Emission("t", None, b"2"), Emission("t", b"b", b"3", 0),
           Emission("u", b"a", b"4"), Emission("t", b"a", b"5")]  # fmt: skip
    found = grouped(out, {"t": 1, "u": 1})
    assert [b"1", b"2", b"3", b"5"] == [value for _, value, _ in found["t", 0]]
    assert [b"4"] == [value for _, value, _ in found["u", 0]]


class _Batch:
    """Takes two records."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.closed = False

    def append(self, *, key: Any, value: Any, timestamp: None, headers: list[Any]) -> object | None:
        assert not self.closed
        if len(self.values) == 2:
            return None
        self.values.append(value)
        return self

    def close(self) -> None:
        self.closed = True


def test_what_does_not_fit_opens_the_next_batch() -> None:
    """Nothing is left out, nothing changes places, and every batch is closed."""
    writer = TransactionalWriter.__new__(TransactionalWriter)
    writer._producer = type("Producer", (), {"create_batch": staticmethod(_Batch)})
    batches = writer._batches([(b"k", str(number).encode(), ()) for number in range(5)])
    assert [[b"0", b"1"], [b"2", b"3"], [b"4"]] == [batch.values for batch in batches]
    assert all(batch.closed for batch in batches)
    assert [] == writer._batches([])
