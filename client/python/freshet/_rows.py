"""The forms in which many rows may be given."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from . import _native
from ._errors import InvalidArgument


class Progress:
    """Shows on standard error how many rows were read, if it is wanted."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._start = time.monotonic()
        self._rows = 0

    def __call__(self, rows: int) -> None:
        if self._wanted:
            self._rows = rows
            rate = rows / max(time.monotonic() - self._start, 1e-6)
            print(f"\r{rows:,} rows, {rate:,.0f} rows/s", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._rows:
            print(file=sys.stderr)


def _is_sparse(rows: Any) -> bool:
    return hasattr(rows, "tocsr") and hasattr(rows, "nnz")


def _floats(values: Any, what: str, count: int) -> Any:
    import numpy as np

    if values is None:
        raise InvalidArgument(f"a matrix needs {what}: an array of one number for each row")
    array = np.ascontiguousarray(values, dtype=np.float32)
    if array.shape != (count,):
        raise InvalidArgument(
            f"{what} has the shape {array.shape}; the matrix has {count} rows, so it must be ({count},)"
        )
    return array


def _matrix(rows: Any) -> Any:
    import numpy as np

    if rows.ndim != 2:
        raise InvalidArgument(f"a matrix has two dimensions, and this array {rows.ndim}")
    if rows.dtype.kind not in "fiub":
        raise InvalidArgument(
            f"a matrix holds numbers, and this one has the dtype {rows.dtype}; make a data frame of it"
        )
    return np.ascontiguousarray(rows, dtype=np.float32)


def _sparse(rows: Any) -> tuple[Any, Any, Any]:
    import numpy as np

    csr = rows.tocsr()
    if not csr.has_canonical_format:
        csr = csr.copy()
        csr.sum_duplicates()
    return (
        np.ascontiguousarray(csr.indptr, dtype=np.int64),
        np.ascontiguousarray(csr.indices, dtype=np.int64),
        np.ascontiguousarray(csr.data, dtype=np.float32),
    )


def _is_matrix(rows: Any) -> bool:
    numpy = sys.modules.get("numpy")  # Whoever has an array has imported it.
    return numpy is not None and isinstance(rows, numpy.ndarray)


def _arrow(rows: Any) -> Any:
    """The Arrow stream of a table; None if it has none."""
    if hasattr(rows, "__arrow_c_stream__"):
        return rows.__arrow_c_stream__()
    return None


def push(
    stream: _native.Stream,
    rows: Any,
    y: Any,
    weight: Any,
    progress: Progress,
    format: str = "",
) -> None:
    """Pushes rows of any form."""
    if isinstance(rows, (str, os.PathLike)):
        stream.push_file(os.fspath(rows), format, progress)
    elif _is_matrix(rows):
        matrix = _matrix(rows)
        labels = _floats(y, "y", len(matrix))
        weights = None if weight is None else _floats(weight, "weight", len(matrix))
        stream.push_dense(matrix, labels, weights)
    elif _is_sparse(rows):
        labels = _floats(y, "y", rows.shape[0])
        weights = None if weight is None else _floats(weight, "weight", rows.shape[0])
        stream.push_sparse(*_sparse(rows), labels, weights)
    elif (capsule := _arrow(rows)) is not None:
        if y is not None:
            raise InvalidArgument("the labels of a table are a column; name it by label=")
        stream.push_table(capsule, progress)
    else:
        _push_each(stream, rows, y, progress)


def _push_each(stream: _native.Stream, rows: Any, y: Any, progress: Progress) -> None:
    if y is not None:
        rows = zip(rows, y, strict=True)
    push_row = stream.push
    count = 0
    for row in rows:
        if isinstance(row, tuple):
            x, label, weight = row if len(row) == 3 else (*row, None)
            push_row(x, label, weight)
        else:
            push_row(row, None, None)
        count += 1
        if count & 0xFFFF == 0:
            progress(count)


def predict(
    model: _native.Model, rows: Any, ignore: list[str], format: str
) -> tuple[Any, int]:
    """Predicts rows of any form: predictions, and how many rows the model knows little of."""
    if isinstance(rows, (str, os.PathLike)):
        return model.predict_file(os.fspath(rows), format)
    if _is_matrix(rows):
        return model.predict_dense(_matrix(rows))
    if _is_sparse(rows):
        return model.predict_sparse(*_sparse(rows))
    capsule = _arrow(rows)
    if capsule is not None:
        return model.predict_table(capsule, ignore)
    if isinstance(rows, dict):
        raise InvalidArgument("predict() takes many rows; predict_one() takes one")
    return model.predict_rows(_features(rows))


def _features(rows: Iterable[Any]) -> Iterable[Any]:
    for row in rows:
        yield row[0] if isinstance(row, tuple) else row
