"""A server for all tests, and ways to push rows as the command does."""

import itertools
import json
import os
import subprocess

import pytest

import freshet

_names = (f"m{i}" for i in itertools.count())


@pytest.fixture(scope="session")
def client():
    with freshet.local() as c:
        yield c


@pytest.fixture
def name():
    return next(_names)


@pytest.fixture
def new_model(client):
    """Creates models of new names."""
    return lambda **options: client.create_model(next(_names), learner="sgd", bits=12, **options)


@pytest.fixture
def push_by_command(client, tmp_path):
    """Pushes a file by `freshet push` to a model, and returns the model's digest."""

    def push(model, text, ending, *flags):
        path = tmp_path / f"rows.{ending}"
        path.write_text(text)
        command = [os.environ["FRESHET"], "--server", client.server]
        subprocess.run(
            [*command, "push", model.name, str(path), "--progress", "none", *flags],
            check=True,
            capture_output=True,
        )
        return model.digest().digest

    return push


def json_lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)
