"""The background task that makes summaries for a study. Its worker is the only process beside commands with PyTorch."""

import threading
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django_tasks import task

from study.models import Pregeneration, PregenerationState
from study.services.pregenerations import (
    CancelledError,
    claim_pregeneration,
    finish_pregeneration,
    report_progress,
)
from study.services.runs import import_run

REPORT_EVERY_SECONDS = 1.0


@task()
def pregenerate_for_study(key: int, attempt: int) -> str:
    """Make the summaries that a request wants, import them, and store how it ended."""
    pregeneration = claim_pregeneration(key, attempt)
    if pregeneration is None:
        return "nothing to do"
    try:
        run = _make_and_import(pregeneration)
    except CancelledError:
        finish_pregeneration(pregeneration, PregenerationState.CANCELLED)
    except Exception as error:  # whatever it was, the researcher has to see it
        finish_pregeneration(pregeneration, PregenerationState.FAILED, error=_one_line(error))
        if not isinstance(error, CommandError | ValueError):
            raise
    else:
        finish_pregeneration(pregeneration, PregenerationState.SUCCEEDED, run=run)
    return str(Pregeneration.objects.values_list("state", flat=True).get(pk=key))


def _make_and_import(pregeneration: Pregeneration) -> Any:
    directory = Path(settings.VAR_DIRECTORY) / "runs" / pregeneration.directory
    reporter = Reporter(pregeneration)
    wanted = {name: value for name, value in pregeneration.options.items() if value is not None}
    call_command("pregenerate", **wanted, out=directory, quiet=True, progress=reporter)
    reporter.start("import", 1)
    imported = import_run(pregeneration.study, directory, on_summary=reporter.import_step)
    reporter.finish("import")
    return imported.run


class Reporter:
    """Receives the progress of stages (`vsum_core.progress.Progress`) and stores it about once a second.

    Storing is where a run learns that it was cancelled: `CancelledError` then travels up through the stages, whose
    finished work is kept.
    """

    def __init__(self, pregeneration: Pregeneration) -> None:
        self._pregeneration = pregeneration
        self._stages: dict[str, dict[str, Any]] = {}
        self._reported = 0.0
        self._lock = threading.Lock()  # stages report from several threads

    def __enter__(self) -> "Reporter":
        return self

    def __exit__(self, *_: object) -> None:
        """Keep what was reported."""

    def start(self, stage: str, total: int) -> None:
        """A stage begins."""
        with self._lock:
            self._stages[stage] = {"name": stage, "total": total, "done": 0, "finished": False}
            self._report(line=f"{stage}: {total} to do" if total else f"{stage}: nothing to do")

    def advance(self, stage: str, count: float = 1) -> None:
        """More of the stage is done."""
        with self._lock:
            self._stages[stage]["done"] += count
            self._report_now_and_then()

    def finish(self, stage: str) -> None:
        """The stage is over."""
        with self._lock:
            entry = self._stages[stage]
            entry["finished"], entry["done"] = True, max(entry["total"], entry["done"])
            self._report(line=f"{stage}: done")

    def import_step(self, done: int, total: int) -> None:
        """Another summary is imported."""
        with self._lock:
            self._stages["import"].update(done=done, total=total)
            self._report_now_and_then()

    def _report_now_and_then(self) -> None:
        if time.monotonic() - self._reported >= REPORT_EVERY_SECONDS:
            self._report()

    def _report(self, *, line: str = "") -> None:
        self._reported = time.monotonic()
        try:
            report_progress(self._pregeneration, list(self._stages.values()), line=line)
        finally:
            if threading.current_thread() is not threading.main_thread():
                connection.close()  # a stage's thread ends without Django's knowing, and its connection with it


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:1000] or type(error).__name__
