"""How long the monitor takes: `python -m benchmarks.monitor --participants 10000`, on SQLite or with `DATABASE_URL`.

Measures the whole response of the page and of its panels through Django's handlers, template included: the first
openings, while older answers are still being counted, and later ones with some new answers each time.
"""

import argparse
import json
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.made_up_study import fresh_database, make_study

REFRESHES = 15


def main() -> None:
    """Fill a database, measure, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--participants", type=int, default=10_000)
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    arguments = parser.parse_args()
    with fresh_database() as vendor:
        started = time.perf_counter()
        study = make_study(participants=arguments.participants)
        print(
            f"{vendor}: {arguments.participants} participants written in {time.perf_counter() - started:.0f} s",
            flush=True,
        )
        result = {"database": vendor, "participants": arguments.participants} | measure(study)
    print(json.dumps(result, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


def measure(study) -> dict[str, object]:  # type: ignore[no-untyped-def]
    """Return milliseconds of the first openings and of refreshes, and the number of queries of a refresh."""
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from study.models import Answer, Tally

    client = Client()
    client.get("/healthz")  # loads the middleware, which notes when somebody signs in
    client.force_login(get_user_model().objects.create_superuser("measurer", password="x"))  # noqa: S106
    page = f"/research/s/{study.slug}/monitor/"
    _milliseconds(client, "/research/")  # loads templates and modules once, as a running server has
    first, first_processor = [], []
    while True:
        worked = time.process_time()
        first.append(_milliseconds(client, page))
        first_processor.append(1000 * (time.process_time() - worked))
        tally = Tally.objects.get(study=study)
        total = Answer.objects.filter(answered_at__gt=tally.counted_until).count()
        if not total:
            break
    fresh = list(Answer.objects.order_by("-answered_at")[: REFRESHES * 20])
    refreshes, processor = [], []
    for number in range(REFRESHES):
        some = [answer.pk for answer in fresh[number * 20 : number * 20 + 20]]
        Answer.objects.filter(pk__in=some).update(answered_at=datetime.now(tz=UTC))  # as if they had just come
        time.sleep(3.2)  # the tally lets answers settle
        worked = time.process_time()
        refreshes.append(_milliseconds(client, f"{page}panels/"))
        processor.append(1000 * (time.process_time() - worked))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        client.get(f"{page}panels/")
    return {
        "answers": Answer.objects.count(),
        "first_openings": len(first),
        "first_openings_median_ms": round(statistics.median(first)),
        "first_openings_median_cpu_ms": round(statistics.median(first_processor)),
        "first_openings_largest_ms": round(max(first)),
        "refresh_median_ms": round(statistics.median(refreshes)),
        "refresh_median_cpu_ms": round(statistics.median(processor)),
        "refresh_largest_ms": round(max(refreshes)),
        "queries": len(queries),
    }


def settle(study) -> None:  # type: ignore[no-untyped-def]
    """Count all answers that there are, as openings of the page do."""
    from study.services.tallies import update_tally

    complete = False
    while not complete:
        _tally, complete = update_tally(study)


def _milliseconds(client, path: str) -> float:  # type: ignore[no-untyped-def]
    started = time.perf_counter()
    response = client.get(path)
    elapsed = 1000 * (time.perf_counter() - started)
    if response.status_code != 200:
        raise SystemExit(f"{path} answered {response.status_code}")
    return elapsed


if __name__ == "__main__":
    main()
