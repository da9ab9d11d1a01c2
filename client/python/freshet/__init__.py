"""freshet: linear models that learn from a stream as it arrives.

    import freshet

    with freshet.local() as c:                # or freshet.connect("localhost:7400")
        m = c.create_model("shop")
        m.learn_one({"user": "ann", "ad": "shoes", "age": 33}, 1)
        m.predict_one({"user": "ann", "ad": "shoes", "age": 33})

The manual's page is docs/python.md.
"""

from ._client import Client, Events, Model, Pusher, Snapshots, connect
from ._errors import (
    AlreadyExists,
    DataLoss,
    DeadlineExceeded,
    FailedPrecondition,
    FreshetError,
    Interrupted,
    InvalidArgument,
    InvalidRow,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)
from ._local import Local, local
from ._types import (
    BadRow,
    Contribution,
    Digest,
    Explanation,
    Learned,
    Metrics,
    Prediction,
    Snapshot,
    Weight,
)

__all__ = [
    "AlreadyExists",
    "BadRow",
    "Client",
    "Contribution",
    "DataLoss",
    "DeadlineExceeded",
    "Digest",
    "Events",
    "Explanation",
    "FailedPrecondition",
    "FreshetError",
    "Interrupted",
    "InvalidArgument",
    "InvalidRow",
    "Learned",
    "Local",
    "Metrics",
    "Model",
    "NotFound",
    "PermissionDenied",
    "Prediction",
    "Pusher",
    "ResourceExhausted",
    "Snapshot",
    "Snapshots",
    "Unauthenticated",
    "Unavailable",
    "Weight",
    "connect",
    "local",
]
