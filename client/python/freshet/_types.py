"""What the server answers, as immutable objects."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any, NamedTuple


def _time(seconds: float | None) -> datetime.datetime | None:
    if seconds is None:
        return None
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


class Prediction(float):
    """A prediction: a float, for logistic loss the probability of a positive label.

    `score` is its value before the link function. `offset` says how fresh it is: the weights included
    at least this many records of the log. `unlearned` is true if the model never learned most of the
    features, so that the prediction says little. `event_id` names the event whose label may follow;
    None if the row was not logged.
    """

    score: float
    offset: int
    unlearned: bool
    event_id: str | None

    def __new__(
        cls, value: float, score: float, offset: int, unlearned: bool, event_id: str | None = None
    ) -> Prediction:
        self = super().__new__(cls, value)
        self.score = score
        self.offset = offset
        self.unlearned = unlearned
        self.event_id = event_id
        return self

    def __getnewargs__(self) -> tuple[float, float, int, bool, str | None]:  # type: ignore[override]
        return float(self), self.score, self.offset, self.unlearned, self.event_id


@dataclasses.dataclass(frozen=True)
class Metrics:
    """How well a model predicts rows just before it learns them.

    Figures over all rows are progressive; `recent_loss` and its base rate are those of the last rows,
    of which old ones count less and less. The base rate is what always predicting the mean so far
    would cost. `gain` is 1 - loss / base_rate_loss. `auc` and `calibration` are None where the loss
    does not define them.
    """

    rows: int
    loss: float
    base_rate_loss: float
    gain: float
    recent_loss: float
    recent_base_rate_loss: float
    auc: float | None
    calibration: float | None
    label_mean: float
    mean_squared_error: float | None
    mean_absolute_error: float | None
    r_squared: float | None
    skipped: int

    @classmethod
    def _of(cls, m: dict[str, Any]) -> Metrics:
        return cls(
            rows=m["example_count"],
            loss=m["loss"],
            base_rate_loss=m["base_rate_loss"],
            gain=m["relative_gain"],
            recent_loss=m["decayed_loss"],
            recent_base_rate_loss=m["decayed_base_rate_loss"],
            auc=m["auc"],
            calibration=m["calibration"],
            label_mean=m["label_mean"],
            mean_squared_error=m["mean_squared_error"],
            mean_absolute_error=m["mean_absolute_error"],
            r_squared=m["r_squared"],
            skipped=m["skipped_count"],
        )


class Weight(NamedTuple):
    """A weight of the model, and the names of the features that share it."""

    names: tuple[str, ...]
    weight: float
    evidence: float

    @classmethod
    def _of(cls, feature: dict[str, Any]) -> Weight:
        return cls(tuple(feature["names"]), feature["weight"], feature["evidence"])


class Contribution(NamedTuple):
    """What a feature of a row adds to its score: its value times its weight."""

    names: tuple[str, ...]
    value: float
    weight: float
    contribution: float


@dataclasses.dataclass(frozen=True)
class Explanation:
    """Why a row is predicted as it is. `intercept` and all contributions add up to `score`."""

    prediction: float
    score: float
    intercept: float
    contributions: tuple[Contribution, ...]

    @classmethod
    def _of(cls, e: dict[str, Any]) -> Explanation:
        return cls(
            prediction=e["prediction"],
            score=e["score"],
            intercept=e["intercept"],
            contributions=tuple(
                Contribution(
                    tuple(c["feature"]["names"]),
                    c["value"],
                    c["feature"]["weight"],
                    c["contribution"],
                )
                for c in e["contributions"]
            ),
        )


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A state of a model on the server's disk."""

    id: str
    offset: int
    rows: int
    create_time: datetime.datetime | None
    size_bytes: int
    trigger: str

    @classmethod
    def _of(cls, s: dict[str, Any]) -> Snapshot:
        return cls(
            id=s["name"].rsplit("/", 1)[-1],
            offset=s["offset"],
            rows=s["example_count"],
            create_time=_time(s["create_time"]),
            size_bytes=s["size_bytes"],
            trigger=s["trigger"],
        )


class Digest(NamedTuple):
    """A hash of a model's state: models that learned the same rows have the same digest."""

    digest: str
    offset: int
    rows: int


class BadRow(NamedTuple):
    """A row that was not learned. `row` counts from 0."""

    row: int
    field: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Learned:
    """What a push did.

    `rows` were given; `acknowledged` of them are learned by this push, `known` had been learned before
    under the same producer_id, `rejected` were bad. `next_row` is the first row, from 0, that is not
    acknowledged.
    """

    rows: int
    acknowledged: int
    known: int
    rejected: int
    skipped: int
    resent: int
    reconnects: int
    sent_bytes: int
    next_row: int
    producer_id: str
    bad_rows: tuple[BadRow, ...] = ()

    @classmethod
    def _of(cls, stats: dict[str, Any], producer_id: str) -> Learned:
        bad = tuple(BadRow(*row) for row in stats["bad_rows"])
        return cls(**{**stats, "bad_rows": bad}, producer_id=producer_id)
