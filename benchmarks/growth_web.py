"""How the web's cost grows: with the participants a study has, and with the answers it exports.

``python -m benchmarks.growth_web --participants 100 1000 10000`` fills a study of each size (`made_up_study`) and
measures, in processor milliseconds through Django's handlers: a start (consent, with its place in the plan), an answer
with the next page, a refresh of the monitor while answers come in, and the export of all answers as CSV with the memory
that it took. It prints a table with the exponents of growth, fitted to the logarithms by least squares, and draws
`docs/figures/growth-participants.svg` and `docs/figures/growth-answers.svg`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.servers import ROOT

FIGURES = ROOT / "docs" / "figures"
STARTS = 12
ANSWERS_OF_EACH = 3
REFRESHES = 5
PATIENCE = 7200
OK = 200
PARTICIPANT_MEASURES = {
    "start_ms": "a start",
    "answer_ms": "an answer and the next page",
    "monitor_ms": "a refresh of the monitor",
}
ANSWER_MEASURES = {"export_seconds": "export as CSV, seconds", "export_megabytes": "memory of the export, MB"}


def add_places(study: Any, number: int) -> None:
    """Give a made-up study free slots whose trials show its first stimuli."""
    from benchmarks.made_up_study import TRIALS
    from study.models import Phase, Slot, SlotState

    planned = [
        {
            "block": 1,
            "phase": Phase.MAIN.value,
            "task": "name",
            "stimulus": stimulus.identifier,
            "practice_item": "",
            "cell": f"name | {stimulus.condition.network} | {stimulus.condition.class_name}",
            "detail": {},
        }
        for stimulus in study.stimuli.select_related("condition").order_by("pk")[:TRIALS]
    ]
    Slot.objects.filter(study=study, state=SlotState.FREE).update(state=SlotState.COMPLETED)
    last = Slot.objects.filter(study=study).order_by("-number").values_list("number", flat=True).first() or 0
    Slot.objects.bulk_create([Slot(study=study, number=last + place, trials=planned) for place in range(1, number + 1)])


def processor_milliseconds(work: Any) -> tuple[float, Any]:
    """Return what a call costs, and what it returns."""
    before = time.process_time()
    result = work()
    return 1000 * (time.process_time() - before), result


def of_participants(study: Any) -> dict[str, float]:
    """Return the median cost of a start, of an answer with its next page, and of a refresh of the monitor."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    from benchmarks.monitor import settle
    from study.forms_in_pages import find_forms

    add_places(study, STARTS)
    starts, answers = [], []
    for _ in range(STARTS):
        client = Client()
        page = client.get(study.get_absolute_url())
        form = next(form for form in find_forms(page.content.decode()) if form.method == "post")
        cost, response = processor_milliseconds(lambda c=client, f=form: c.post(f.action, f.fields))
        starts.append(cost)
        own = response["location"]
        client.post(f"{own}continue/")
        page = client.get(own)
        for _answer in range(ANSWERS_OF_EACH):
            form = next(form for form in find_forms(page.content.decode()) if "/answer/" in form.action)
            fields = form.fields | {"text": "beak", "confidence": "4"}
            posted, _response = processor_milliseconds(lambda c=client, f=form, d=fields: c.post(f.action, d))
            shown, page = processor_milliseconds(lambda c=client, o=own: c.get(o))
            answers.append(posted + shown)
    researcher = Client()
    researcher.force_login(get_user_model().objects.create_superuser("measurer", password="x"))  # noqa: S106
    panels = f"/research/s/{study.slug}/monitor/panels/"
    settle(study)
    refreshes = []
    for _ in range(REFRESHES):
        cost, response = processor_milliseconds(lambda: researcher.get(panels))
        if response.status_code != OK:
            raise RuntimeError(f"{panels} answered {response.status_code}.")
        refreshes.append(cost)
    return {
        "start_ms": round(statistics.median(starts), 2),
        "answer_ms": round(statistics.median(answers), 2),
        "monitor_ms": round(statistics.median(refreshes), 2),
    }


def measure(participants: int) -> dict[str, Any]:
    """Fill a database and measure everything for one size."""
    from benchmarks.exports import in_own_process
    from benchmarks.made_up_study import fresh_database, make_study

    with fresh_database() as vendor:
        study = make_study(participants=participants)
        from study.models import Answer

        answers = Answer.objects.count()
        export = in_own_process("csv", study.pk)
        found = of_participants(study)
    sizes = {"database": vendor, "participants": participants, "answers": answers}
    own = {"export_seconds": export["cpu_seconds"], "export_megabytes": export["largest_memory_mb"]}
    return sizes | found | own


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return the slope of log cost over log size by least squares: 0 does not grow, 1 grows in proportion.

    Raises:
        ValueError: fewer than two sizes, or a cost that is not positive.
    """
    if len(set(sizes)) < 2 or min(costs) <= 0:
        raise ValueError(f"A slope needs two sizes and positive costs; got {list(sizes)} and {list(costs)}.")
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def draw(rows: Sequence[Mapping[str, Any]], size: str, measures: Mapping[str, str], file: Path) -> None:
    """Draw costs over sizes on logarithmic axes, each line with its exponent."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "growth"  # the same numbers give the same file
    sizes = [row[size] for row in rows]
    figure, axes = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    for key, label in measures.items():
        costs = [row[key] for row in rows]
        axes.loglog(sizes, costs, marker="o", label=f"{label}: n^{exponent(sizes, costs):.2f}")
    axes.set_xlabel(size)
    axes.set_ylabel("processor milliseconds" if size == "participants" else "processor seconds, megabytes")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth_web", description=__doc__)
    parser.add_argument("--participants", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--figures", type=Path, default=FIGURES, help="folder of the drawings")
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    parser.add_argument("--one", type=int, help="measure one size in this process, as JSON")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one)))
        return
    rows = []
    for participants in sorted(options.participants):  # each in a process of its own: its memory is its own
        command = [sys.executable, "-m", "benchmarks.growth_web", "--one", str(participants)]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)  # noqa: S603
        if result.returncode:
            raise SystemExit(result.stderr[-3000:])
        rows.append(json.loads(result.stdout.strip().splitlines()[-1]))
        print("  ".join(f"{name}: {value}" for name, value in rows[-1].items()), flush=True)
    for size, measures, name in (
        ("participants", PARTICIPANT_MEASURES, "growth-participants.svg"),
        ("answers", ANSWER_MEASURES, "growth-answers.svg"),
    ):
        for key, label in measures.items():
            slope = exponent([row[size] for row in rows], [row[key] for row in rows])
            print(f"{label} grows with {size} to the power of {slope:.2f}")
        draw(rows, size, measures, options.figures / name)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
