"""A server of one's own, for notebooks and tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time

from . import _client
from ._errors import NotFound, Unavailable


def _find_freshetd() -> str:
    beside = os.path.join(os.path.dirname(__file__), "bin", "freshetd")
    for path in (os.environ.get("FRESHETD"), beside, shutil.which("freshetd")):
        if path and os.access(path, os.X_OK):
            return path
    raise NotFound(
        "there is no freshetd in this package or in PATH; install freshet's server, or name its "
        "program in the environment variable FRESHETD"
    )


class Local(_client.Client):
    """A client of a freshetd that it has started, in a folder of its own.

    close(), or the end of its `with` block, stops the server and removes the folder, unless the folder
    was given.
    """

    def __init__(self, data_dir: str | os.PathLike[str] | None = None) -> None:
        program = _find_freshetd()
        self._folder = tempfile.mkdtemp(prefix="freshet-")
        self._owner = os.getpid()
        data = os.fspath(data_dir) if data_dir is not None else os.path.join(self._folder, "data")
        endpoints = os.path.join(self._folder, "endpoints.json")
        self._log = os.path.join(self._folder, "log")
        with open(self._log, "wb") as log:
            self._server = subprocess.Popen(
                [
                    program,
                    "--listen=127.0.0.1:0",
                    "--http=127.0.0.1:0",
                    f"--data-dir={data}",
                    f"--endpoints-file={endpoints}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the program, not for its server.
            )
        try:
            addresses = self._wait_for(endpoints)
            self.dashboard: str = "http://" + addresses["http"]
            super().__init__(
                addresses["grpc"], token="", tls=None, timeout=30.0, connect_timeout=10.0
            )
        except BaseException:
            self._stop()
            raise

    def _wait_for(self, endpoints: str) -> dict[str, str]:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if os.path.exists(endpoints):
                with open(endpoints, encoding="utf-8") as file:
                    found: dict[str, str] = json.load(file)
                return found
            if self._server.poll() is not None:
                break
            time.sleep(0.005)
        with open(self._log, encoding="utf-8", errors="replace") as log:
            raise Unavailable("freshetd did not start: " + log.read().strip())

    def _stop(self) -> None:
        if os.getpid() != self._owner:
            return
        if self._server.poll() is None:
            self._server.terminate()
            try:
                self._server.wait(20)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def close(self) -> None:
        """Stops the server. What it learned is gone, unless `data_dir` was given."""
        super().close()
        self._stop()

    def __enter__(self) -> Local:
        return self

    def __del__(self) -> None:
        if hasattr(self, "_server"):
            self._stop()


def local(data_dir: str | os.PathLike[str] | None = None) -> Local:
    """Starts a freshetd on this machine and connects to it.

    With `data_dir`, models are kept there; without it, in a temporary folder that goes with the server.
    The program is the one in the package, else the one named by the environment variable FRESHETD, else
    `freshetd` in PATH.
    """
    return Local(data_dir)
