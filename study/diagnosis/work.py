"""Work beside the web: the worker that makes summaries, and the sweep that gives places back."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from study.diagnosis.finding import Finding, Level
from study.models import Slot, SlotState

PATIENCE = timedelta(minutes=5)
SWEEP_PATIENCE = timedelta(minutes=30)


def worker() -> Iterator[Finding]:
    """Is somebody doing the queued work? Told by tasks that wait although nothing runs, and by the last that ended."""
    now = timezone.now()
    waiting = DBTaskResult.objects.ready().order_by("enqueued_at")
    first = waiting.first()
    running = DBTaskResult.objects.running().count()
    last: datetime | None = (
        DBTaskResult.objects.finished().order_by("-finished_at").values_list("finished_at", flat=True).first()
    )
    finished = f"last finished {last:%Y-%m-%d %H:%M} UTC" if last else "none finished yet"
    found = f"{waiting.count()} tasks wait, {running} run, {finished}"
    if first is not None and not running and now - first.enqueued_at > PATIENCE:
        minutes = int((now - first.enqueued_at).total_seconds() // 60)
        mend = "Start the worker: manage.py db_worker (deploy/visual-summaries-worker.service)."
        yield Finding("worker", Level.PROBLEM, f"{found}; the first waits since {minutes} minutes", mend)
    elif first is None and not running and last is None:
        yield Finding(
            "worker", Level.OK, "no task was ever queued; summaries made in the browser need manage.py db_worker"
        )
    else:
        yield Finding("worker", Level.OK, found)


def sweep() -> Iterator[Finding]:
    """Do places come back whose holders have left?"""
    overdue = Slot.objects.filter(state=SlotState.CLAIMED, lease_expires_at__lt=timezone.now() - SWEEP_PATIENCE).count()
    if overdue:
        mend = "Nothing is lost, but the monitor shows people who have left. Run manage.py sweep every five minutes "
        mend += "(deploy/visual-summaries-sweep.timer)."
        yield Finding("sweep", Level.WARNING, f"{overdue} places ran out over half an hour ago", mend)
    else:
        yield Finding("sweep", Level.OK, "no place waits to be given back")
