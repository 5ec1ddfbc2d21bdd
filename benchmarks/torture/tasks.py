"""What the background worker does while it is killed: it gives expired slots back and counts answers."""

from django.utils import timezone
from django_tasks import task


@task()
def sweep_and_count(slug: str) -> int:
    """Sweep the study's leases and bring its running totals up to date; return how many answers they hold."""
    from study.models import Study
    from study.services.slots import sweep_leases
    from study.services.tallies import update_tally

    study = Study.objects.get(slug=slug)
    sweep_leases(now=timezone.now(), study=study)
    tally, _complete = update_tally(study)
    return int(tally.totals["answers"])
