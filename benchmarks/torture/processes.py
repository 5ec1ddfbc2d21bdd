"""The processes that get killed: gunicorn with its workers, and the background worker."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90.0


class DidNotStartError(RuntimeError):
    """A process did not start; the message says where its log is."""


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Server:
    """Gunicorn on one port, started again on the same port after its master was killed.

    The application is loaded before the workers are forked, so that a new worker is there within milliseconds.
    """

    def __init__(self, *, workers: int, threads: int, log: Path) -> None:
        self.port, self.log = free_port(), log
        self.options = ["--workers", str(workers), "--threads", str(threads), "--preload", "--timeout", "120"]
        self.process = self._start()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{self.port}", *self.options]
        with self.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  (the command is built here)
                command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return process
        raise DidNotStartError(f"gunicorn did not start within {START_SECONDS:.0f} s; its log is {self.log}.")

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        pid = self.process.pid
        try:
            return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except OSError:
            return []

    def kill_worker(self, generator: random.Random) -> bool:
        """Kill one worker; False when there is none at this moment."""
        workers = self.workers()
        if not workers:
            return False
        try:
            os.kill(generator.choice(workers), signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def kill_all(self) -> int:
        """Kill the master and all workers at once, start again, and return how many processes were killed."""
        killed = 1 + len(self.workers())
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = self._start()
        return killed

    def stop(self) -> None:
        """End it in good order."""
        self.process.terminate()
        self.process.wait(timeout=START_SECONDS)


class BackgroundWorker:
    """`manage.py db_worker`, started again at once when it was killed, as a service manager would."""

    def __init__(self, *, log: Path) -> None:
        self.log = log
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "manage.py", "db_worker", "--interval", "0.1", "--no-startup-delay", "--no-reload"]
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603  (the command is built here)
                command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """Kill it, and start another."""
        self.process.kill()
        self.process.wait()
        self.process = self._start()

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
