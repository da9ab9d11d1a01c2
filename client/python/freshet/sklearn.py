"""Estimators of scikit-learn, whose models are learned and kept by a freshet server.

    clf = freshet.sklearn.OnlineClassifier()
    clf.partial_fit(X, y, classes=[0, 1])
    clf.predict_proba(X)

Matrices may be dense or sparse. Without `server`, the estimators of a process share a freshet.local().
"""

from __future__ import annotations

import atexit
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from . import _client, _local

if TYPE_CHECKING:
    from typing_extensions import Self

_clients: dict[str | None, _client.Client] = {}


def _client_of(server: str | None) -> _client.Client:
    """The connection that the estimators of this process share."""
    if server not in _clients:
        if server is None:
            own = _local.local()
            atexit.register(own.close)
            _clients[server] = own
        else:
            _clients[server] = _client.connect(server)
    return _clients[server]


class _Online(BaseEstimator):  # type: ignore[misc]
    """What both estimators share: models on a server, one for each output."""

    def __init__(
        self,
        *,
        server: str | None = None,
        model: str | None = None,
        learner: str | None = None,
        settings: dict[str, Any] | None = None,
        bits: int = 18,
        epochs: int = 5,
    ) -> None:
        self.server = server
        self.model = model
        self.learner = learner
        self.settings = settings
        self.bits = bits
        self.epochs = epochs

    def _create(self, loss: str, count: int) -> None:
        """Makes new models; replaces those of the same names."""
        client = _client_of(self.server)
        base = self.model if self.model is not None else f"sklearn-{uuid.uuid4().hex}"
        self.model_names_ = [base if count == 1 else f"{base}-{i}" for i in range(count)]
        for name in self.model_names_:
            client.delete_model(name, missing_ok=True)
            client.create_model(
                name,
                loss=loss,
                learner=self.learner,
                settings=self.settings,
                bits=self.bits,
                durability="none" if self.server is None else None,
            )

    def _models(self) -> list[_client.Model]:
        client = _client_of(self.server)
        return [_client.Model(client, name) for name in self.model_names_]

    def _outputs(self, X: Any) -> Any:
        check_is_fitted(self)
        rows = validate_data(self, X, accept_sparse="csr", reset=False, dtype=np.float64)
        return np.stack([model.predict(rows) for model in self._models()], axis=1)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_names_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class OnlineClassifier(ClassifierMixin, _Online):  # type: ignore[misc]
    """A linear classifier: logistic loss, and one model for each class if there are more than two.

    server: its address; None: a server of this process. model: the name of its model there; None: a
    name of its own. learner, settings, bits: see Client.create_model(). epochs: how often fit() goes
    through the rows; partial_fit() does so once.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learns from nothing."""
        if hasattr(self, "model_names_"):
            del self.model_names_
        return self._learn(X, y, sample_weight, None, self.epochs)

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Goes on learning. `classes` is needed the first time, if y lacks some of them."""
        return self._learn(X, y, sample_weight, classes, 1)

    def _learn(self, X: Any, y: Any, sample_weight: Any, classes: Any, epochs: int) -> Self:
        first = not hasattr(self, "model_names_")
        rows, labels = validate_data(
            self, X, y, accept_sparse="csr", reset=first, dtype=np.float64
        )
        check_classification_targets(labels)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, rows)
        if first:
            self.classes_ = np.unique(labels if classes is None else classes)
            if len(self.classes_) < 2:
                raise ValueError(
                    f"OnlineClassifier needs two classes; y has one class, {self.classes_[0]!r}"
                )
            self._create("logistic", 1 if len(self.classes_) == 2 else len(self.classes_))
        unknown = np.setdiff1d(labels, self.classes_)
        if len(unknown) > 0:
            raise ValueError(f"y has the class {unknown[0]!r}, which `classes` did not list")
        positives = self.classes_[1:] if len(self.classes_) == 2 else self.classes_
        for model, positive in zip(self._models(), positives):
            for _ in range(epochs):
                model.learn(rows, labels == positive, weight=weights)
        return self

    def predict_proba(self, X: Any) -> Any:
        """The probability of each class of `classes_`, in the order of the rows."""
        outputs = self._outputs(X).astype(np.float64)
        if outputs.shape[1] == 1:
            return np.hstack([1 - outputs, outputs])
        total = outputs.sum(axis=1, keepdims=True)
        even = np.full_like(outputs, 1 / outputs.shape[1])
        return np.divide(outputs, total, out=even, where=total > 0)

    def predict(self, X: Any) -> Any:
        """The most probable class of each row."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]


class OnlineRegressor(RegressorMixin, _Online):  # type: ignore[misc]
    """A linear regression by squared loss. Options are those of OnlineClassifier."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learns from nothing."""
        if hasattr(self, "model_names_"):
            del self.model_names_
        return self._learn(X, y, sample_weight, self.epochs)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Goes on learning."""
        return self._learn(X, y, sample_weight, 1)

    def _learn(self, X: Any, y: Any, sample_weight: Any, epochs: int) -> Self:
        first = not hasattr(self, "model_names_")
        rows, labels = validate_data(
            self, X, y, accept_sparse="csr", reset=first, dtype=np.float64, y_numeric=True
        )
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, rows)
        if first:
            self._create("squared", 1)
        for model in self._models():
            for _ in range(epochs):
                model.learn(rows, labels, weight=weights)
        return self

    def predict(self, X: Any) -> Any:
        """The predicted value of each row."""
        return self._outputs(X)[:, 0].astype(np.float64)
