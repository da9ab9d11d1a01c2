"""The connection, and models."""

from __future__ import annotations

import html
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from . import _native, _rows
from ._errors import AlreadyExists, Interrupted, NotFound, Unavailable
from ._types import (
    Digest,
    Explanation,
    Learned,
    Metrics,
    Prediction,
    Snapshot,
    Weight,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")

# How long a question is repeated while the server cannot be reached, and the waits in between.
_RETRY_S = 5.0
_FIRST_WAIT_S = 0.1


def _ask(call: Callable[[], T]) -> T:
    """Repeats a call that changes nothing while the server is away for a moment."""
    try:
        return call()
    except Unavailable:
        deadline = time.monotonic() + _RETRY_S
        wait = _FIRST_WAIT_S
        while True:
            time.sleep(wait)
            wait = min(2 * wait, 1.0)
            try:
                return call()
            except Unavailable:
                if time.monotonic() > deadline:
                    raise


def _texts(given: Mapping[str, object] | Iterable[str] | None, between: str) -> list[str]:
    if given is None:
        return []
    if isinstance(given, str):
        return [given]
    if isinstance(given, Mapping):
        return [f"{key}{between}{value}" for key, value in given.items()]
    return [str(text) for text in given]


def _setting(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Client:
    """A connection to a server. Made by freshet.connect() and freshet.local().

    Threads may share it, its models and their pushers. A process that forks keeps its connections; in the
    child, all calls fail with FailedPrecondition, since gRPC does not survive a fork.
    """

    def __init__(
        self,
        server: str | Sequence[str],
        *,
        token: str,
        tls: tuple[str, str, str] | None,
        timeout: float,
        connect_timeout: float,
    ) -> None:
        servers = [server] if isinstance(server, str) else list(server)
        for i, address in enumerate(servers):
            try:
                self._native = _native.connect(address, token, tls, timeout, connect_timeout)
            except Unavailable:
                if i + 1 == len(servers):
                    raise
                continue
            self.server: str = address
            break

    def create_model(
        self,
        name: str,
        *,
        loss: str = "logistic",
        learner: str | None = None,
        bits: int | None = None,
        settings: Mapping[str, object] | None = None,
        interactions: Iterable[str] = (),
        numeric_transforms: Mapping[str, str] | None = None,
        ngrams: Mapping[str, int | str] | None = None,
        admit_after: int = 0,
        expire_after: int = 0,
        durability: str | None = None,
        fields: Mapping[str, str] | None = None,
        label: str | None = None,
        positive: str | None = None,
        like: str | os.PathLike[str] | None = None,
        wait: str | float | None = None,
        label_rule: Mapping[str, Any] | None = None,
        exist_ok: bool = False,
    ) -> Model:
        """Creates a model.

        loss: logistic, squared, hinge, poisson or quantile. learner: the update rule, "auto" by
        default. bits: the weight table has 2^bits slots, 10 to 30. settings: options of the learner,
        such as {"learning_rate": 0.1}. interactions: such as ["user*ad"]. numeric_transforms: such as
        {"age": "standardize", "*": "log-bins"}. ngrams: such as {"title": 2}. admit_after: sightings
        before a feature gets a weight. expire_after: rows after which an unseen feature is forgotten.
        durability: fsync, os or none.

        What fields mean: fields={"user_id": "category", "day": "time"}, label="clicked",
        positive=">=15", or like="file.csv" to propose it from a file. By default, the first table that
        the model learns decides, and rows given by learn_one() are read by their types.

        For labels that come later: wait, in seconds or as "10m", and label_rule with any of horizon,
        hold, policy, feedback, aggregate, threshold, default_label, drop_unmatched.

        exist_ok: if the model exists, returns it as it is. Raises AlreadyExists, InvalidArgument.
        """
        given: dict[str, Any] = {
            "loss": loss,
            "learner": learner,
            "bits": bits,
            "settings": [f"{key}={_setting(value)}" for key, value in (settings or {}).items()],
            "interactions": list(interactions),
            "numerics": _texts(numeric_transforms, "="),
            "ngrams": _texts(ngrams, ":"),
            "admit_after": admit_after,
            "expire_after": expire_after,
            "durability": durability,
            "fields": _texts(fields, "="),
            "label": label,
            "positive": positive,
            "like": None if like is None else os.fspath(like),
            "wait": None if wait is None else str(wait),
        }
        for key, value in (label_rule or {}).items():
            is_text = key in ("wait", "horizon", "hold")
            given[key] = _texts(value, ":") if key == "feedback" else str(value) if is_text else value
        set_only = {key: value for key, value in given.items() if value is not None}
        try:
            self._native.create_model(name, set_only)
        except AlreadyExists:
            if not exist_ok:
                raise
        return Model(self, name)

    def model(self, name: str) -> Model:
        """The model with this name. Raises NotFound."""
        _ask(lambda: self._native.get_model(name))
        return Model(self, name)

    def __getitem__(self, name: str) -> Model:
        return self.model(name)

    def __contains__(self, name: str) -> bool:
        try:
            self.model(name)
        except NotFound:
            return False
        return True

    def models(self) -> list[Model]:
        """All models, in the order of their names."""
        found = _ask(self._native.list_models)
        return [Model(self, model["name"].rsplit("/", 1)[-1]) for model in found]

    def delete_model(self, name: str, *, missing_ok: bool = False) -> None:
        """Deletes a model with its snapshots. Raises NotFound, unless `missing_ok`."""
        try:
            self._native.delete_model(name)
        except NotFound:
            if not missing_ok:
                raise

    def close(self) -> None:
        """Ends the connection's use. Pushers that are open go on."""

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<freshet.Client {self.server}>"


def connect(
    server: str | Sequence[str] | None = None,
    *,
    token: str | None = None,
    tls: bool | None = None,
    ca: str | os.PathLike[str] | None = None,
    cert: str | os.PathLike[str] | None = None,
    key: str | os.PathLike[str] | None = None,
    timeout: float | None = None,
    connect_timeout: float = 5.0,
) -> Client:
    """Connects to a server.

    server: host, host:port, [IPv6]:port or unix:PATH; of several, the first that answers. token: the
    secret of an access token. tls: whether to use TLS; `ca`, `cert` and `key` are PEM files and imply it.
    timeout: seconds that a request may take, 30 by default. connect_timeout: seconds to wait for an
    answer at all.

    What is not given comes from the variables of the command: FRESHET_SERVER, FRESHET_TOKEN,
    FRESHET_TOKEN_FILE, FRESHET_TLS, FRESHET_TLS_CA, FRESHET_TLS_CERT, FRESHET_TLS_KEY,
    FRESHET_DEADLINE. Raises Unavailable.
    """
    env = os.environ.get
    if token is None:
        token = env("FRESHET_TOKEN", "")
        path = env("FRESHET_TOKEN_FILE")
        if not token and path:
            with open(path, encoding="utf-8") as file:
                token = file.read().split()[0]
    files = (
        os.fspath(ca or env("FRESHET_TLS_CA", "")),
        os.fspath(cert or env("FRESHET_TLS_CERT", "")),
        os.fspath(key or env("FRESHET_TLS_KEY", "")),
    )
    if tls is None:
        tls = any(files) or env("FRESHET_TLS", "").lower() in ("1", "true", "on", "yes")
    if timeout is None:
        timeout = float(env("FRESHET_DEADLINE", "30"))
    return Client(
        server if server is not None else env("FRESHET_SERVER", "127.0.0.1:7400"),
        token=token,
        tls=files if tls else None,
        timeout=timeout,
        connect_timeout=max(connect_timeout, 0.001),
    )


class Pusher:
    """Learns a stream of rows: gathers them into batches, sends them in the background, and resends
    after a reconnect, so that each row is learned once. Made by Model.pusher(), for a `with` block:

        with m.pusher() as p:
            for x, y in stream:
                p.push(x, y)

    At the end of the block, everything is acknowledged. If the block ends by an error or Ctrl-C, what
    was pushed is still sent, as far as the server takes it within two seconds, and Ctrl-C becomes
    Interrupted, which says from which row to go on. Threads may share a pusher.
    """

    def __init__(self, stream: _native.Stream) -> None:
        self._stream = stream
        self._final: Learned | None = None
        self._push = stream.push

    def push(self, x: Mapping[str, Any], y: Any = None, weight: Any = None) -> None:
        """Accepts a row to learn; waits while too much is not acknowledged.

        x: a dictionary of fields (see Model.learn_one()). y: the label; None: it is a field of x.
        weight: the importance weight, at least 0. Raises InvalidRow for this row, or for one before it
        that the server refused, unless the pusher skips bad rows.
        """
        self._push(x, y, weight)

    def learn(
        self, rows: Any, y: Any = None, *, weight: Any = None, progress: bool = False
    ) -> Learned:
        """Learns all rows of a table, matrix, file or iterable; see Model.learn()."""
        with _rows.Progress(progress) as shown:
            _rows.push(self._stream, rows, y, weight, shown)
        return self.stats

    def flush(self) -> None:
        """Waits until everything pushed so far is acknowledged."""
        self._stream.flush()

    def close(self) -> Learned:
        """Flushes, and ends the stream."""
        if self._final is None:
            self._stream.close()
            self._final = self.stats
        return self._final

    @property
    def stats(self) -> Learned:
        """What became of the rows so far."""
        if self._final is not None:
            return self._final
        return Learned._of(self._stream.stats(), self.producer_id)

    @property
    def producer_id(self) -> str:
        """The name of this stream of rows."""
        return self._stream.producer_id

    @property
    def next_row(self) -> int:
        """The first row, from 0, that is not acknowledged."""
        return self.stats.next_row

    def __enter__(self) -> Pusher:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            try:
                self.close()
            except KeyboardInterrupt:
                self._interrupted()
            return
        self._stream.settle(2.0)
        if isinstance(error, KeyboardInterrupt) and not isinstance(error, Interrupted):
            raise Interrupted(self.next_row, self.producer_id) from None

    def _interrupted(self) -> None:
        self._stream.settle(2.0)
        raise Interrupted(self.next_row, self.producer_id) from None

    def __repr__(self) -> str:
        stats = self.stats
        return f"<freshet.Pusher {stats.rows:,} rows, {stats.acknowledged:,} acknowledged>"


class Snapshots:
    """The snapshots of a model."""

    def __init__(self, client: Client, model: str) -> None:
        self._native = client._native
        self._model = model

    def create(self, id: str = "") -> Snapshot:
        """Takes a snapshot, which is safely on disk when this returns. The server chooses the id."""
        return Snapshot._of(self._native.create_snapshot(self._model, id))

    def list(self) -> list[Snapshot]:
        """All snapshots, oldest first."""
        return [Snapshot._of(s) for s in _ask(lambda: self._native.list_snapshots(self._model))]

    def restore(self, id: str) -> None:
        """Brings the model back to the state of a snapshot. Raises NotFound, DataLoss."""
        self._native.restore_snapshot(self._model, id)

    def delete(self, id: str) -> None:
        """Deletes a snapshot. Raises NotFound."""
        self._native.delete_snapshot(self._model, id)

    def export(self, id: str, path: str | os.PathLike[str]) -> int:
        """Writes the file of a snapshot to `path`; returns its size in bytes."""
        return self._native.export_snapshot(self._model, id, os.fspath(path))

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(self.list())


class Events:
    """The events of a model: predictions whose labels come later."""

    def __init__(self, client: Client, model: str) -> None:
        self._native = client._native
        self._model = model

    def get(self, event_id: str) -> dict[str, Any]:
        """All that is known of an event, by the fields of the message Event. Raises NotFound."""
        return _ask(lambda: self._native.get_event(self._model, event_id))

    def list(self, state: str = "", limit: int = 50) -> list[dict[str, Any]]:
        """The oldest events, without their features: all, or those in a state such as "pending"."""
        return _ask(lambda: self._native.list_events(self._model, state, limit))


class Model:
    """A model of a server. Made by Client.create_model() and Client.model().

    A row is a dictionary of fields: text is a category, a number a value, True and False categories, a
    list of text a bag of categories, a list of numbers a vector, a dictionary a namespace, None no
    value. If the model has an input mapping, that says what fields mean. A row gives the same features as
    the same row of JSON lines gives by `freshet push` (docs/input.md).
    """

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self._native = _native.Model(client._native, name)
        self._predict_one = self._native.predict_one
        self._learn_one = self._native.learn_one
        self.name = name
        self.snapshots = Snapshots(client, name)
        self.events = Events(client, name)

    def learn_one(self, x: Mapping[str, Any], y: Any = None, weight: Any = None) -> None:
        """Learns a row; when this returns, it is learned and as durable as the model promises.

        y: the label, a number, True, False, or text that the model's mapping knows; None: it is a field
        of x. weight: the importance weight, at least 0. To learn many rows, use pusher() or learn().
        Raises InvalidRow.
        """
        self._learn_one(x, y, weight)

    def predict_one(
        self, x: Mapping[str, Any], *, log: bool = False, event_id: str = "", wait: bool = False
    ) -> Prediction:
        """Predicts a row: a float with more to it (see Prediction).

        log: makes an event of the row, whose label feedback() tells later; the model needs a label rule.
        event_id: its id; the server chooses one by default. wait: whether the event must be as durable
        as the model promises before this returns. Raises InvalidRow.
        """
        if log:
            return Prediction(*self._native.log_one(x, event_id, wait))
        try:
            return Prediction(*self._predict_one(x))
        except Unavailable:
            return Prediction(*_ask(lambda: self._predict_one(x)))

    def feedback(
        self,
        event_id: str,
        value: float | None = None,
        *,
        name: str = "",
        feedback_id: str = "",
        time: float | None = None,
        withdraw: bool = False,
    ) -> None:
        """Says what happened to an event; durable when this returns.

        value: how much of it, 1 by default. name: what, such as "click". feedback_id: the same feedback
        given twice counts once. time: when, in seconds since 1970; now by default. withdraw: takes
        earlier feedback of this feedback_id or name back. Raises InvalidRow, FailedPrecondition.
        """
        time_ms = None if time is None else round(time * 1000)
        self._native.feedback(event_id, value, name, feedback_id, time_ms, withdraw)

    def pusher(
        self,
        *,
        producer_id: str = "",
        label: str = "",
        weight: str = "",
        ignore: Iterable[str] = (),
        skip_bad_rows: bool = False,
        batch_rows: int = 512,
        retry: float = 300.0,
    ) -> Pusher:
        """Opens a stream to learn rows by; see Pusher.

        producer_id: a name for these rows. Whoever pushes the same rows in the same order under the same
        name, such as a cell of a notebook that runs again, goes on after the last one that was
        acknowledged, and learns each row once. label, weight, ignore: fields of rows, where the model's
        mapping says otherwise or nothing. skip_bad_rows: count bad rows instead of raising InvalidRow.
        retry: seconds to try again while the server cannot be reached.
        """
        return Pusher(
            self._native.open_stream(
                label, weight, list(ignore), producer_id, batch_rows, skip_bad_rows, retry
            )
        )

    def learn(
        self,
        rows: Any,
        y: Any = None,
        *,
        label: str = "",
        weight: Any = None,
        ignore: Iterable[str] = (),
        progress: bool = False,
        producer_id: str = "",
        skip_bad_rows: bool = False,
        format: str = "",
    ) -> Learned:
        """Learns many rows; when this returns, all are acknowledged.

        rows: a table of pandas, Polars, PyArrow, DuckDB or whatever else has __arrow_c_stream__; a
        NumPy matrix or a sparse matrix of SciPy, with labels in y; an iterable of (x, y) or (x, y, weight);
        or the path of a file of any format of `freshet push`. label, weight: names of columns; for
        matrices, weight is an array. ignore: columns to leave out. progress: shows progress.
        producer_id, skip_bad_rows: see pusher(). Raises InvalidRow; Interrupted on Ctrl-C.
        """
        weight_field = weight if isinstance(weight, str) else ""
        weights = None if isinstance(weight, str) else weight
        with self.pusher(
            producer_id=producer_id,
            label=label,
            weight=weight_field,
            ignore=ignore,
            skip_bad_rows=skip_bad_rows,
        ) as pusher:
            with _rows.Progress(progress) as shown:
                _rows.push(pusher._stream, rows, y, weights, shown, format)
        self._native.refresh()  # The first table may have decided what fields mean.
        return pusher.stats

    def predict(
        self, rows: Any, *, ignore: Iterable[str] = (), format: str = ""
    ) -> NDArray[np.float32]:
        """Predicts many rows, given as for learn() or as an iterable of dictionaries: an array in their
        order. Labels and weights that the model's mapping knows are ignored. Raises InvalidRow.
        """
        predictions: NDArray[np.float32]
        predictions, unlearned = _rows.predict(self._native, rows, list(ignore), format)
        if unlearned:
            warnings.warn(
                f"the model never learned most features of {unlearned:,} of {len(predictions):,} rows, "
                "so their predictions say little; are fields named as while learning?",
                stacklevel=2,
            )
        return predictions

    def describe(self) -> dict[str, Any]:
        """All that the server says of the model, by the fields of the message Model."""
        return _ask(lambda: self._client._native.get_model(self.name))

    @property
    def metrics(self) -> Metrics:
        """How well the model predicts, now."""
        return Metrics._of(self._champion()["metrics"])

    def _champion(self) -> dict[str, Any]:
        variants: list[dict[str, Any]] = self.describe()["variants"]
        return next((v for v in variants if v["champion"]), variants[0])

    def explain(self, x: Mapping[str, Any]) -> Explanation:
        """Why a row is predicted as it is. Raises InvalidRow."""
        return Explanation._of(_ask(lambda: self._native.explain(x)))

    def weights(self, limit: int = 50) -> list[Weight]:
        """The weights of the greatest size, at most 10,000."""
        answer = _ask(lambda: self._client._native.top_weights(self.name, limit))
        return [Weight._of(feature) for feature in answer["features"]]

    def digest(self) -> Digest:
        """A hash of the state, to compare models by."""
        return Digest(*_ask(lambda: self._client._native.digest(self.name)))

    def watch(self, interval: float = 1.0) -> Iterator[Metrics]:
        """Yields the metrics whenever rows were learned; looks every `interval` seconds. Ends never."""
        rows = -1
        while True:
            metrics = self.metrics
            if metrics.rows != rows:
                rows = metrics.rows
                yield metrics
            time.sleep(interval)

    def delete(self) -> None:
        """Deletes the model with its snapshots."""
        self._client.delete_model(self.name)

    def __repr__(self) -> str:
        try:
            metrics = self.metrics
        except Exception as error:
            return f"<freshet.Model {self.name!r}: {error}>"
        return (
            f"<freshet.Model {self.name!r}: {metrics.rows:,} rows, loss {metrics.loss:.4f}, "
            f"base rate {metrics.base_rate_loss:.4f}>"
        )

    def _repr_html_(self) -> str:
        champion = self._champion()
        metrics = Metrics._of(champion["metrics"])
        learner = champion["learner"]
        lines = [
            ("rows", f"{metrics.rows:,}"),
            ("loss", f"{metrics.loss:.4f} ({html.escape(learner['loss'])})"),
            ("base rate's loss", f"{metrics.base_rate_loss:.4f}"),
            ("recent loss", f"{metrics.recent_loss:.4f}"),
            ("recent base rate's loss", f"{metrics.recent_base_rate_loss:.4f}"),
        ]
        if metrics.auc is not None:
            lines.append(("AUC", f"{metrics.auc:.4f}"))
        cells = "".join(
            f"<tr><th style='text-align:left'>{name}</th><td>{value}</td></tr>"
            for name, value in lines
        )
        chart = _reliability_chart(champion["metrics"]["reliability_bins"])
        return f"<table><caption>{html.escape(self.name)}</caption>{cells}</table>{chart}"


def _reliability_chart(bins: list[dict[str, Any]]) -> str:
    """A small chart: what happened over what was predicted."""
    total = sum(b["weight_sum"] for b in bins)
    if total <= 0:
        return ""
    marks = "".join(
        f"<circle cx='{100 * b['prediction_mean']:.1f}' cy='{100 - 100 * b['label_mean']:.1f}' "
        f"r='{1.5 + 8 * (b['weight_sum'] / total) ** 0.5:.1f}' fill='#2a78b8' fill-opacity='0.7'/>"
        for b in bins
        if b["weight_sum"] > 0
    )
    return (
        "<svg width='140' height='140' viewBox='-4 -4 108 108'><title>mean label over prediction"
        "</title><rect width='100' height='100' fill='none' stroke='#888'/>"
        f"<line x1='0' y1='100' x2='100' y2='0' stroke='#bbb'/>{marks}</svg>"
    )
