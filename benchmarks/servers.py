"""Servers to measure: a process on a free port, its address read from its log, and the processor time it used."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 120.0
QUIET_SECONDS = 1.0
TICKS = os.sysconf("SC_CLK_TCK")
PLACE_OF_TIMES, PLACE_OF_SESSION = 11, 3
"""Fields of /proc/PID/stat after the name: user and system time; the session."""


class Server:
    """A server process of its own session, ready when its log has a line that matches `ready`.

    The pattern's first group, if it has one, is the address.

    Raises:
        RuntimeError: it ended before it was ready; the message has the end of its log.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        ready: str,
        address: str = "",
        directory: Path = ROOT,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.process = subprocess.Popen(  # noqa: S603  (the command is built by the benchmark)
            command,
            cwd=directory,
            env=os.environ | dict(environment or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        if self.process.stdout is None:
            raise RuntimeError("the server has no log to read its address from.")
        self.log = self.process.stdout
        lines = []
        for line in self.log:
            lines.append(line)
            found = re.search(ready, line)
            if found:
                self.address = found[1] if found.groups() else address
                break
        else:
            self.log.close()
            raise RuntimeError(f"{command[0]} ended before it was ready:\n{''.join(lines[-20:])}")
        self.reader = threading.Thread(target=self._drain, daemon=True)
        self.reader.start()

    def _drain(self) -> None:
        for _line in self.log:
            pass

    def processor_seconds(self) -> float:
        """Return what all processes of the server have used so far; 0 where there is no /proc."""
        return processor_seconds(session=self.process.pid)

    def wait_until_idle(self) -> None:
        """Wait until no process of the server works any more: workers go on importing after the first has answered.

        Raises:
            TimeoutError: they still work after two minutes.
        """
        began, used = time.monotonic(), -1.0
        while (now := self.processor_seconds()) != used:
            if time.monotonic() - began > PATIENCE:
                raise TimeoutError(f"the server's processes still work after {PATIENCE:.0f} s, without a request.")
            used = now
            time.sleep(QUIET_SECONDS)

    def stop(self) -> None:
        """End all processes of the server and wait for the first."""
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(timeout=PATIENCE)
        self.reader.join(timeout=PATIENCE)
        self.log.close()


def gunicorn(
    application: str,
    *,
    workers: int,
    threads: int,
    keeps_connections: bool = True,
    environment: Mapping[str, str] | None = None,
) -> Server:
    """Start gunicorn on a free port, with the kind of worker that `make serve` and `deploy/gunicorn.conf.py` have.

    With `keeps_connections` as the former has it, for browsers; on a busy machine one may take seconds between
    connecting and sending. Without as the latter: every connection is for one request, taken by a process that is free.
    """
    options = ["--worker-class", "gthread", "--workers", str(workers), "--threads", str(threads)]
    kept = ["--keep-alive", "60"] if keeps_connections else ["--keep-alive", "0", "--worker-connections", str(threads)]
    options += [*kept, "--timeout", "120"]
    command = [sys.executable, "-m", "gunicorn", application, "--bind", "127.0.0.1:0", *options]
    return Server(command, ready=r"Listening at: (http://\S+)", environment=environment)


def processor_seconds(*, session: int | None = None, name: str | None = None) -> float:
    """Return the processor time of all processes of a session, or of a name, in seconds; 0 where there is no /proc."""
    total = 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = file.read_text()
        except OSError:
            continue  # it ended meanwhile
        fields = stat.rpartition(")")[2].split()
        own_name = stat[stat.index("(") + 1 : stat.rindex(")")]
        if own_name == name or int(fields[PLACE_OF_SESSION]) == session:
            total += int(fields[PLACE_OF_TIMES]) + int(fields[PLACE_OF_TIMES + 1])
    return total / TICKS
