"""What can go wrong. Each kind of error of the server is a class of its own."""

from __future__ import annotations


class FreshetError(Exception):
    """An error of freshet: the base of all others. `message` says what to do next."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(FreshetError, LookupError):
    """There is no such model, snapshot, event or file."""


class AlreadyExists(FreshetError):
    """The name is taken."""


class InvalidArgument(FreshetError, ValueError):
    """An argument cannot be used."""


class InvalidRow(InvalidArgument):
    """A row cannot be learned or predicted.

    `row` counts from 0 in the order given, and is None if only one row was given. `field` is the
    key or column that is wrong, or "" if it is the row as a whole. `reason` says what is wrong.
    """

    def __init__(self, row: int | None, field: str, reason: str) -> None:
        place = "" if row is None else f"row {row}: "
        named = f'field "{field}" ' if field else ""
        super().__init__(f"{place}{named}{reason}")
        self.row = row
        self.field = field
        self.reason = reason

    def __reduce__(self) -> tuple[type[InvalidRow], tuple[int | None, str, str]]:
        return type(self), (self.row, self.field, self.reason)


class Unavailable(FreshetError, ConnectionError):
    """The server cannot be reached, or is starting or stopping."""


class DeadlineExceeded(FreshetError, TimeoutError):
    """The server took longer than `timeout`."""


class PermissionDenied(FreshetError):
    """The token does not allow this."""


class Unauthenticated(FreshetError):
    """The server requires a token, or does not know this one."""


class FailedPrecondition(FreshetError):
    """The state of the model or of the connection does not allow this."""


class ResourceExhausted(FreshetError):
    """A limit of the server is reached; trying again later may help."""


class DataLoss(FreshetError):
    """A file of the server is damaged."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended a push; not a FreshetError, as KeyboardInterrupt is no Exception. What is acknowledged is learned and stays so.

    `next_row` is the first row, from 0, that is not acknowledged: a push of the same rows under the
    same `producer_id` goes on there.
    """

    def __init__(self, next_row: int, producer_id: str) -> None:
        super().__init__(
            f"interrupted; the first {next_row:,} rows are acknowledged. Give the same rows once more"
            f" with producer_id={producer_id!r} to go on from row {next_row:,}"
        )
        self.next_row = next_row
        self.producer_id = producer_id

    def __reduce__(self) -> tuple[type[Interrupted], tuple[int, str]]:
        return type(self), (self.next_row, self.producer_id)


# By the numbers of gRPC's codes.
_BY_CODE: dict[int, type[FreshetError]] = {
    3: InvalidArgument,
    4: DeadlineExceeded,
    5: NotFound,
    6: AlreadyExists,
    7: PermissionDenied,
    8: ResourceExhausted,
    9: FailedPrecondition,
    14: Unavailable,
    15: DataLoss,
    16: Unauthenticated,
}


def from_status(code: int, message: str) -> FreshetError:
    """The exception for a status of the server."""
    return _BY_CODE.get(code, FreshetError)(message)
