"""What the metrics say of a stage: partitions without their states, work that waits, work that was never saved."""

import asyncio

import msgspec
from prometheus_client import REGISTRY

from agents.kafka.state import TRIAL_KEY
from agents.kafka.trial import Trial
from tests.stage.world import PARTITION, Clock, Kafka, new_batch, new_stage, run, taken_over


def _shown(metric: str) -> float | None:
    return REGISTRY.get_sample_value(metric, {"stage": "test"})


def test_partitions_without_their_states_are_told_until_they_have_them() -> None:
    """While states are read back the partition counts as recovering, then as owned only, and once given up not at
    all."""

    async def work() -> None:
        kafka, reading = Kafka(), asyncio.Event()

        async def wait() -> None:
            await reading.wait()

        kafka.trouble["read_states"] = wait
        stage = new_stage(kafka)
        stage.take_over(1, (PARTITION,))
        stage.publish()
        assert (1, 1) == (_shown("cem_partitions"), _shown("cem_recovering_partitions"))
        reading.set()
        assert stage._loading is not None
        await stage._loading
        stage.publish()
        assert (1, 0) == (_shown("cem_partitions"), _shown("cem_recovering_partitions"))
        await stage.give_up()
        stage.publish()
        assert (0, 0) == (_shown("cem_partitions"), _shown("cem_recovering_partitions"))

    run(work())


def test_a_checkpoint_that_hangs_is_told(clock: Clock) -> None:
    """Work that waits for its checkpoint grows older until that succeeds; then nothing waits."""

    async def work() -> None:
        kafka, hanging = Kafka(), asyncio.Event()
        stage = await taken_over(kafka)

        async def hang() -> None:
            await hanging.wait()

        clock.now += 100.0
        await stage.handle(new_batch(0, 3))
        kafka.trouble["commit"] = hang
        clock.now += 2.0
        await stage.tick()
        clock.now += 25.0
        stage.publish()
        assert (_shown("cem_unsaved_seconds") or 0) >= 25
        hanging.set()
        checkpoint = stage._slots[PARTITION].checkpoint
        assert checkpoint is not None
        await checkpoint
        stage.publish()
        assert 0 == _shown("cem_unsaved_seconds")

    run(work())


def test_work_that_was_never_saved_is_told_by_the_next_owner() -> None:
    """Whoever takes a partition over knows how many have died before work at this place was saved; 0 once it is."""

    async def work() -> None:
        kafka = Kafka()
        trial = Trial(0, 2, 5000)
        kafka.states = {TRIAL_KEY: msgspec.msgpack.encode(trial)}
        stage = await taken_over(kafka)
        stage.publish()
        assert 3 == _shown("cem_checkpoint_failures")

        kafka.states = {}
        stage = await taken_over(kafka)
        stage.publish()
        assert 0 == _shown("cem_checkpoint_failures")

    run(work())
