"""Tables, matrices and files."""

import datetime
import json

import numpy as np
import pytest

import freshet

COUNT = 700
COLUMNS = {
    "user": [f"u{i % 50}" for i in range(COUNT)],
    "ad": [f"advertisement-{i % 11}" if i % 13 else None for i in range(COUNT)],
    "age": [float(i % 90) / 4 if i % 17 else None for i in range(COUNT)],
    "visits": [i % 100 for i in range(COUNT)],
    "new": [i % 5 == 0 for i in range(COUNT)],
    "clicked": [i % 3 == 0 for i in range(COUNT)],
}
ROWS = [dict(zip(COLUMNS, row)) for row in zip(*COLUMNS.values())]


def cell(value):
    """A value as a cell of CSV."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def text_of(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def pandas_table():
    return pytest.importorskip("pandas").DataFrame(COLUMNS)


def polars_table():
    return pytest.importorskip("polars").DataFrame(COLUMNS)


def pyarrow_table():
    return pytest.importorskip("pyarrow").table(COLUMNS)


def categorical_table():
    pl = pytest.importorskip("polars")
    return polars_table().with_columns(pl.col("user").cast(pl.Categorical))


def chunked_table():
    pa = pytest.importorskip("pyarrow")
    table = pyarrow_table()
    return pa.concat_tables([table.slice(0, 100), table.slice(100, 1), table.slice(101)])


TABLES = [pandas_table, polars_table, pyarrow_table, categorical_table, chunked_table]


@pytest.mark.parametrize("make", TABLES)
def test_a_table_is_learned_as_the_same_rows_of_json_lines_and_csv(new_model, push_by_command, make):
    model = new_model()
    assert model.learn(make(), label="clicked").acknowledged == COUNT
    by_command = new_model()
    digest = push_by_command(by_command, text_of(ROWS), "jsonl", "--label", "clicked")
    assert model.digest().digest == digest
    assert model.describe()["input"] == by_command.describe()["input"]
    csv = ",".join(COLUMNS) + "\n"
    for row in ROWS:
        csv += ",".join(map(cell, row.values())) + "\n"
    table = new_model(
        fields={"user": "category", "ad": "category", "age": "number", "visits": "number", "new": "category"},
        label="clicked",
    )
    assert push_by_command(table, csv, "csv") == digest


@pytest.mark.parametrize("make", TABLES)
def test_predictions_are_those_of_rows_in_their_order(new_model, make):
    model = new_model()
    model.learn(make(), label="clicked")
    answer = model.predict(make())
    assert answer.dtype == np.float32 and answer.shape == (COUNT,)
    some = [float(model.predict_one(row)) for row in ROWS[:50]]
    np.testing.assert_array_equal(answer[:50], np.float32(some))
    np.testing.assert_array_equal(answer, model.predict(iter(ROWS)))


def test_types_of_columns(new_model, push_by_command):
    pa = pytest.importorskip("pyarrow")
    when = datetime.datetime(2024, 5, 6, 7, 8, 9, 250000)
    day = datetime.date(1969, 12, 31)
    table = pa.table(
        {
            "label": pa.array([1, 0], pa.int8()),
            "u64": pa.array([2**63 + 5, None], pa.uint64()),
            "i16": pa.array([-5, 5], pa.int16()),
            "half": pa.array(np.array([0.5, -3], np.float16)),
            "float": pa.array([0.1, float("nan")], pa.float32()),
            "large": pa.array(["x", "y"], pa.large_string()),
            "view": pa.array(["short", "longer than twelve bytes"], pa.string_view()),
            "when": pa.array([when, when], pa.timestamp("us")),
            "ns": pa.array([when, None], pa.timestamp("ns", "UTC")),
            "day": pa.array([day, None], pa.date32()),
            "money": pa.array(["-0.05", "12.50"]).cast(pa.decimal128(10, 2)),
            "bag": pa.array([["a", "b"], []], pa.list_(pa.string())),
            "vector": pa.array([[1.5, 2], [0, 3]], pa.list_(pa.float64(), 2)),
            "geo": pa.array([{"city": "Bern", "lat": 1.5}, None]),
            "dictionary": pa.array(["p", "q"]).dictionary_encode(),
            "nothing": pa.array([None, None], pa.null()),
        }
    )
    rows = [
        {"label": 1, "u64": 2**63 + 5, "i16": -5, "half": 0.5, "float": 0.1, "large": "x", "view": "short",
         "when": "2024-05-06T07:08:09.250000", "ns": "2024-05-06T07:08:09.250000000", "day": "1969-12-31",
         "money": -0.05, "bag": ["a", "b"], "vector": [1.5, 2.0], "geo": {"city": "Bern", "lat": 1.5},
         "dictionary": "p", "nothing": None},
        {"label": 0, "i16": 5, "half": -3.0, "float": None, "large": "y", "view": "longer than twelve bytes",
         "when": "2024-05-06T07:08:09.250000", "money": 12.5, "bag": [], "vector": [0.0, 3.0],
         "dictionary": "q"},
    ]
    fields = {"large": "category"}
    mine, other = new_model(fields=fields), new_model(fields=fields)
    mine.learn(table)
    assert push_by_command(other, text_of(rows), "jsonl") == mine.digest().digest
    parts = table.slice(1)
    np.testing.assert_array_equal(mine.predict(parts), mine.predict(rows[1:]))


def test_what_a_table_cannot_hold(new_model):
    pa = pytest.importorskip("pyarrow")
    model = new_model()
    table = pa.table({"label": [1, 0], "blob": pa.array([b"x", b"y"])})
    with pytest.raises(freshet.InvalidArgument, match="blob"):
        model.learn(table)
    assert model.learn(table, ignore=["blob"]).acknowledged == 2
    with pytest.raises(freshet.InvalidRow) as error:
        model.learn(pa.table({"label": [1, 0, 1], "x": [1.0, 2.0, float("inf")]}))
    assert (error.value.row, error.value.field) == (2, "x")
    with pytest.raises(freshet.InvalidArgument, match="label="):
        model.learn(table, [1, 0])


def test_matrices_are_learned_as_svmlight(new_model, push_by_command):
    sparse = pytest.importorskip("scipy.sparse")
    rng = np.random.default_rng(7)
    dense = np.where(rng.random((200, 30)) < 0.2, rng.normal(size=(200, 30)), 0).astype(np.float32)
    y = (dense[:, 0] + dense[:, 3] > 0).astype(int)
    text = "".join(
        f"{label} " + " ".join(f"{j}:{v!r}" for j, v in enumerate(row.tolist()) if v) + "\n"
        for row, label in zip(dense, y)
    )
    a, b, c = new_model(), new_model(), new_model()
    a.learn(dense, y)
    b.learn(sparse.csr_matrix(dense), y)
    digest = push_by_command(c, text, "svmlight")
    assert a.digest().digest == b.digest().digest == digest
    np.testing.assert_array_equal(a.predict(dense), a.predict(sparse.csr_matrix(dense)))
    with pytest.raises(freshet.InvalidArgument, match="shape"):
        a.learn(dense, y[:5])


def test_files_are_read_as_the_command_reads_them(new_model, push_by_command, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(text_of(ROWS))
    model, other = new_model(), new_model()
    assert model.learn(path, label="clicked").acknowledged == COUNT
    assert push_by_command(other, text_of(ROWS), "jsonl", "--label", "clicked") == model.digest().digest
    np.testing.assert_array_equal(model.predict(path), model.predict(ROWS))
    path.write_text('{"clicked": 1, "age": [[]]}\n')
    with pytest.raises(freshet.InvalidRow, match="rows.jsonl:1"):
        model.learn(path)
    with pytest.raises(freshet.NotFound):
        model.learn(tmp_path / "missing.csv")
