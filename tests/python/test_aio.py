"""The same names for asyncio."""

import asyncio

import pytest

import freshet
import freshet.aio


def test_the_same_names_are_awaited(client, name):
    async def run():
        async with freshet.aio.connect(client.server) as c:
            model = await c.create_model(name, learner="sgd", bits=12)
            await asyncio.gather(*(model.learn_one({"user": f"u{i}"}, i % 2) for i in range(20)))
            async with model.pusher() as p:
                await p.push({"user": "u1"}, 1)
            assert p.stats().acknowledged == 1
            assert (await model.learn([({"user": "u1"}, 1)])).acknowledged == 1
            assert 0 < await model.predict_one({"user": "u1"}) < 1
            assert len(await model.predict([{"user": "u1"}])) == 1
            assert (await model.metrics()).rows == 22
            async for metrics in model.watch(0.01):
                assert metrics.rows == 22
                break
            await model.snapshots.create("s")
            assert [s.id for s in await model.snapshots.list()] == ["s"]
            with pytest.raises(freshet.InvalidRow):
                await model.learn_one({"user": "u1"}, 9)
            await model.delete()
            with pytest.raises(freshet.NotFound):
                await c.model(name)

    asyncio.run(run())
