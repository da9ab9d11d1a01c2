"""The same for asyncio: what waits for the server is awaited.

    async with freshet.aio.connect("localhost:7400") as c:
        m = await c.create_model("shop", exist_ok=True)
        await m.learn_one({"user": "ann"}, 1)
        print(await m.predict_one({"user": "ann"}))

Names, arguments and errors are those of freshet; the properties `metrics` and `stats` of models and
pushers are methods here. Calls run in threads of the event loop's executor. To learn or predict many rows,
give them to learn() and predict(), which cost one thread's turn in all, rather than one a row.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from . import _client, _local
from ._types import Digest, Explanation, Learned, Metrics, Prediction, Snapshot, Weight

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")


async def _run(call: Callable[..., T], *args: Any, **options: Any) -> T:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, functools.partial(call, *args, **options))


class Pusher:
    """See freshet.Pusher."""

    def __init__(self, open_pusher: Callable[[], _client.Pusher]) -> None:
        self._open = open_pusher

    async def __aenter__(self) -> Pusher:
        self._pusher = await _run(self._open)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await _run(self._pusher.__exit__, kind, error, trace)

    async def push(self, x: Any, y: Any = None, weight: Any = None) -> None:
        await _run(self._pusher.push, x, y, weight)

    async def learn(self, rows: Any, y: Any = None, **options: Any) -> Learned:
        return await _run(self._pusher.learn, rows, y, **options)

    async def flush(self) -> None:
        await _run(self._pusher.flush)

    async def close(self) -> Learned:
        return await _run(self._pusher.close)

    def stats(self) -> Learned:
        return self._pusher.stats

    @property
    def producer_id(self) -> str:
        return self._pusher.producer_id


class Snapshots:
    """See freshet.Snapshots."""

    def __init__(self, snapshots: _client.Snapshots) -> None:
        self._snapshots = snapshots

    async def create(self, id: str = "") -> Snapshot:
        return await _run(self._snapshots.create, id)

    async def list(self) -> list[Snapshot]:
        return await _run(self._snapshots.list)

    async def restore(self, id: str) -> None:
        await _run(self._snapshots.restore, id)

    async def delete(self, id: str) -> None:
        await _run(self._snapshots.delete, id)


class Events:
    """See freshet.Events."""

    def __init__(self, events: _client.Events) -> None:
        self._events = events

    async def get(self, event_id: str) -> dict[str, Any]:
        return await _run(self._events.get, event_id)

    async def list(self, state: str = "", limit: int = 50) -> list[dict[str, Any]]:
        return await _run(self._events.list, state, limit)


class Model:
    """See freshet.Model."""

    def __init__(self, model: _client.Model) -> None:
        self._model = model
        self.name = model.name
        self.snapshots = Snapshots(model.snapshots)
        self.events = Events(model.events)

    async def learn_one(self, x: Any, y: Any = None, weight: Any = None) -> None:
        await _run(self._model.learn_one, x, y, weight)

    async def predict_one(self, x: Any, **options: Any) -> Prediction:
        return await _run(self._model.predict_one, x, **options)

    async def feedback(self, event_id: str, value: float | None = None, **options: Any) -> None:
        await _run(self._model.feedback, event_id, value, **options)

    def pusher(self, **options: Any) -> Pusher:
        return Pusher(functools.partial(self._model.pusher, **options))

    async def learn(self, rows: Any, y: Any = None, **options: Any) -> Learned:
        return await _run(self._model.learn, rows, y, **options)

    async def predict(self, rows: Any, **options: Any) -> NDArray[np.float32]:
        return await _run(self._model.predict, rows, **options)

    async def describe(self) -> dict[str, Any]:
        return await _run(self._model.describe)

    async def metrics(self) -> Metrics:
        return await _run(lambda: self._model.metrics)

    async def explain(self, x: Any) -> Explanation:
        return await _run(self._model.explain, x)

    async def weights(self, limit: int = 50) -> list[Weight]:
        return await _run(self._model.weights, limit)

    async def digest(self) -> Digest:
        return await _run(self._model.digest)

    async def watch(self, interval: float = 1.0) -> AsyncIterator[Metrics]:
        rows = -1
        while True:
            metrics = await self.metrics()
            if metrics.rows != rows:
                rows = metrics.rows
                yield metrics
            await asyncio.sleep(interval)

    async def delete(self) -> None:
        await _run(self._model.delete)


class Client:
    """See freshet.Client."""

    def __init__(self, client: _client.Client) -> None:
        self._client = client

    async def create_model(self, name: str, **options: Any) -> Model:
        return Model(await _run(self._client.create_model, name, **options))

    async def model(self, name: str) -> Model:
        return Model(await _run(self._client.model, name))

    async def models(self) -> list[Model]:
        return [Model(model) for model in await _run(self._client.models)]

    async def delete_model(self, name: str, **options: Any) -> None:
        await _run(self._client.delete_model, name, **options)

    async def close(self) -> None:
        await _run(self._client.close)


class _Opening:
    """A connection that is opened by `await` or `async with`."""

    def __init__(self, connect: Callable[[], _client.Client]) -> None:
        self._connect = connect
        self._client: Client | None = None

    async def _open(self) -> Client:
        return Client(await _run(self._connect))

    def __await__(self) -> Generator[Any, None, Client]:
        return self._open().__await__()

    async def __aenter__(self) -> Client:
        self._client = await self._open()
        return self._client

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            await self._client.close()


def connect(server: Any = None, **options: Any) -> _Opening:
    """As freshet.connect(), to be awaited or used by `async with`."""
    return _Opening(functools.partial(_client.connect, server, **options))


def local(data_dir: Any = None) -> _Opening:
    """As freshet.local(), to be awaited or used by `async with`."""
    return _Opening(functools.partial(_local.local, data_dir))
