"""The package as a whole."""

import os
import subprocess
import sys

import freshet


def run(code):
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_importing_it_loads_neither_numpy_nor_other_libraries():
    loaded = run("import sys, freshet; print([m for m in ('numpy', 'pyarrow', 'asyncio') if m in sys.modules])")
    assert loaded.strip() == "[]"


def test_a_local_server_leaves_nothing_behind():
    with freshet.local() as c:
        folder, pid = c._folder, c._server.pid
        c.create_model("a").learn_one({"x": 1}, 1)
    assert not os.path.exists(folder)
    assert not os.path.exists(f"/proc/{pid}")


def test_a_local_server_keeps_what_it_learned_in_a_folder(tmp_path):
    with freshet.local(tmp_path / "data") as c:
        c.create_model("a").learn_one({"x": 1}, 1)
    with freshet.local(tmp_path / "data") as c:
        assert c.model("a").metrics.rows == 1


def test_every_public_name_has_a_docstring():
    for name in freshet.__all__:
        thing = getattr(freshet, name)
        assert thing.__doc__, name
        for member, value in vars(thing).items() if isinstance(thing, type) else ():
            is_own = not member.startswith("_") and callable(value) and thing.__module__.startswith("freshet")
            assert not is_own or value.__doc__, f"{name}.{member}"
