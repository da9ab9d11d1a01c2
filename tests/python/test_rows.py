"""Rows one at a time: features, labels, errors."""

import collections
import datetime
import decimal
import enum
import math
import pickle
import types

import numpy as np
import pytest
from conftest import json_lines

import freshet

ROWS = [
    {"user": "ann", "age": 33, "new": True, "tags": ["a", "b"], "geo": {"city": "Bern", "lat": 46.9}},
    {"user": "bob", "age": 0, "new": False, "tags": [], "geo": {"city": "Basel", "lat": -1e-7}},
    {"user": "ann", "age": 12345678901, "vector": [0.5, 2, 0], "none": None, "empty": ""},
    {"user": 'q"\\\n\x01é', "age": 1e300, "tag": "t7", "weight": 2.5} | {"age": 0.1},
]
LABELS = [1, 0, True, False]


def test_a_row_gives_the_features_that_json_lines_give(new_model, push_by_command):
    mine = new_model()
    for x, y in zip(ROWS, LABELS):
        mine.learn_one(x, y)
    other = new_model(fields={"unused": "category"}, label="label")
    mapped = new_model(fields={"unused": "category"}, label="label")
    for x, y in zip(ROWS, LABELS):
        mapped.learn_one(x, y)
    text = json_lines([{**x, "label": y} for x, y in zip(ROWS, LABELS)])
    assert push_by_command(other, text, "jsonl") == mapped.digest().digest
    assert mine.digest().rows == len(ROWS)


def test_the_mapping_says_what_fields_mean(new_model, push_by_command):
    fields = {"id": "category", "when": "time", "words": "text", "skip": "ignore", "n": "number"}
    rows = [
        {"id": 7, "when": "2024-05-06 07:08", "words": "To be, or not", "skip": 1, "n": "3.5", "y": "no"},
        {"id": 12345678901234567, "when": "2024-05-07", "words": "be", "n": 2, "y": "yes"},
    ]
    mine = new_model(fields=fields, label="y", positive="=yes")
    for row in rows:
        mine.learn_one({k: v for k, v in row.items() if k != "y"}, row["y"])
    other = new_model(fields=fields, label="y", positive="=yes")
    digest = push_by_command(other, json_lines(rows), "jsonl")
    assert mine.digest().digest == digest
    # A table of text means the same.
    text = "id,when,words,skip,n,y\n"
    text += '7,2024-05-06 07:08,"To be, or not",1,3.5,no\n12345678901234567,2024-05-07,be,,2,yes\n'
    table = new_model(fields=fields, label="y", positive="=yes")
    assert push_by_command(table, text, "csv") == digest


class Color(str, enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    "given, plain",
    [
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array([1.5, 2.5]), [1.5, 2.5]),
        (np.array(["a", "b"]), ["a", "b"]),
        (("a", "b"), ["a", "b"]),
        ({"a"}, ["a"]),
        (collections.OrderedDict(a=1), {"a": 1}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (decimal.Decimal("0.25"), 0.25),
        (datetime.datetime(2024, 5, 6, 7, 8), "2024-05-06T07:08:00"),
        (datetime.date(2024, 5, 6), "2024-05-06"),
        (Color.RED, "red"),
        (math.nan, None),
        (2**70, float(2**70)),
    ],
)
def test_values_that_stand_for_plain_ones(new_model, given, plain):
    one, other = new_model(), new_model()
    one.learn_one({"a": given, "b": "x"}, 1)
    other.learn_one({"a": plain, "b": "x"}, 1)
    assert one.digest().digest == other.digest().digest


@pytest.mark.parametrize(
    "row, field, reason",
    [
        ({"a": math.inf}, "a", "finite"),
        ({"a": {"b": object()}}, "a.b", "of the type object"),
        ({"a": [["x"]]}, "a[0]", "list within a list"),
        ({1: "x"}, "", "keys must be str"),
        ([1, 2], "", "a row is a dict"),
    ],
)
def test_a_bad_row_names_field_and_reason(new_model, row, field, reason):
    model = new_model()
    with pytest.raises(freshet.InvalidRow, match=reason) as error:
        model.learn_one(row, 1)
    assert error.value.field == field
    assert error.value.row is None
    assert pickle.loads(pickle.dumps(error.value)).reason == error.value.reason
    with pytest.raises(freshet.InvalidRow):
        model.predict_one(row)
    model.learn_one({"a": 1}, 1)  # The connection goes on.
    assert model.metrics.rows == 1


def test_a_label_that_the_server_refuses_is_an_invalid_row(new_model):
    model = new_model()
    with pytest.raises(freshet.InvalidRow) as error:
        model.learn_one({"a": 1}, 5)
    assert error.value.field == "label"
    with pytest.raises(freshet.InvalidRow, match="missing"):
        model.learn_one({"a": 1})
    model.learn_one({"a": 1, "label": 1})
    assert model.metrics.rows == 1


def test_predicts_what_it_learned(new_model):
    model = new_model()
    for _ in range(30):
        model.learn_one({"user": "ann"}, 1)
        model.learn_one({"user": "bob"}, 0)
    ann = model.predict_one({"user": "ann"})
    assert ann > 0.6 > 0.4 > model.predict_one({"user": "bob"})
    assert ann.score == pytest.approx(math.log(ann / (1 - ann)), abs=1e-5)
    assert ann.offset > 0 and not ann.unlearned and ann.event_id is None
    assert model.predict_one({"user": "eve", "x": "y"}).unlearned
    explained = model.explain({"user": "ann"})
    assert explained.prediction == pytest.approx(ann, abs=1e-6)
    total = explained.intercept + sum(c.contribution for c in explained.contributions)
    assert total == pytest.approx(explained.score, abs=1e-6)
    assert any("ann" in " ".join(w.names) for w in model.weights(5))
    assert model.metrics.rows == 60 and model.metrics.gain > 0
    assert "60 rows" in repr(model)
    assert "<table>" in model._repr_html_()


def test_models_are_created_found_and_deleted(client, name):
    with pytest.raises(freshet.NotFound):
        client.model(name)
    assert name not in client
    model = client.create_model(name, loss="squared", interactions=["a*b"], bits=12, wait="10m")
    assert model.describe()["label_rule"]["wait_ms"] == 600_000
    with pytest.raises(freshet.AlreadyExists):
        client.create_model(name)
    assert client.create_model(name, exist_ok=True).metrics.rows == 0
    assert name in [m.name for m in client.models()]
    model.learn_one({"a": 1}, 3.5)
    first = model.snapshots.create("first")
    assert first.rows == 1 and [s.id for s in model.snapshots][-1] == "first"
    digest = model.digest()
    model.learn_one({"a": 1}, -3.5)
    assert model.digest() != digest
    model.snapshots.restore("first")
    assert model.digest().digest == digest.digest
    model.delete()
    with pytest.raises(freshet.NotFound):
        model.metrics
    with pytest.raises(freshet.InvalidArgument, match="logistik"):
        client.create_model(name, loss="logistik")


def test_a_server_that_is_not_there():
    with pytest.raises(freshet.Unavailable):
        freshet.connect("127.0.0.1:1", connect_timeout=0.2)
    with pytest.raises(ConnectionError):
        freshet.connect(["127.0.0.1:1", "127.0.0.1:2"], connect_timeout=0.2)


def test_the_environment_says_where_the_server_is(client, monkeypatch):
    monkeypatch.setenv("FRESHET_SERVER", client.server)
    with freshet.connect() as c:
        assert c.server == client.server
    assert freshet.connect(["127.0.0.1:1", client.server], connect_timeout=0.2).server == client.server
