"""Estimators of scikit-learn."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.datasets import make_classification, make_regression  # noqa: E402
from sklearn.utils.estimator_checks import estimator_checks_generator  # noqa: E402

import freshet.sklearn  # noqa: E402

# What an online learner does not promise, and why.
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "a weight is a greater step, not a repeated one",
    "check_sample_weight_equivalence_on_sparse_data": "a weight is a greater step, not a repeated one",
}
ESTIMATORS = [freshet.sklearn.OnlineClassifier(bits=12), freshet.sklearn.OnlineRegressor(bits=12)]
CHECKS = [
    pytest.param(
        estimator,
        check,
        id=f"{type(estimator).__name__}-{getattr(check, 'func', check).__name__}-{i}",
        marks=[pytest.mark.xfail(reason=EXPECTED[check.func.__name__])]
        if getattr(check, "func", check).__name__ in EXPECTED
        else [],
    )
    for estimator in ESTIMATORS
    for i, (estimator, check) in enumerate(estimator_checks_generator(estimator))
]


@pytest.mark.parametrize("estimator, check", CHECKS)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_learns_streams_of_batches(client):
    X, y = make_classification(2000, 10, random_state=1)
    clf = freshet.sklearn.OnlineClassifier(server=client.server)
    for i in range(0, 1500, 100):
        clf.partial_fit(X[i : i + 100], y[i : i + 100], classes=[0, 1])
    assert clf.score(X[1500:], y[1500:]) > 0.8
    assert client.model(clf.model_names_[0]).metrics.rows == 1500


def test_three_classes_and_regression():
    X, y = make_classification(1000, 8, n_informative=5, n_classes=3, random_state=2)
    clf = freshet.sklearn.OnlineClassifier().fit(X, np.array(["a", "b", "c"])[y])
    assert clf.predict_proba(X).shape == (1000, 3)
    assert clf.score(X, np.array(["a", "b", "c"])[y]) > 0.55
    X, y = make_regression(1000, 8, noise=1, random_state=3)
    assert freshet.sklearn.OnlineRegressor().fit(X, y).score(X, y) > 0.9
