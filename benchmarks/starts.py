"""Many people start a study in the same moment: no slot may be given twice, cells must stay within one of each other.

``python -m benchmarks.starts --participants 200`` starts gunicorn on a database of its own (SQLite, then PostgreSQL
where a server answers), lets as many threads as participants post the consent form at once, and counts in the database.
It ends with 1 where a slot was given twice, a start failed, or two cells differ by more than one.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.servers import PATIENCE, gunicorn

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_POSTGRESQL = "postgresql://postgres@127.0.0.1:5432/postgres"
CLASSES, NETWORKS, MEMBERS, TRIALS = 10, ("large", "small"), 6, 8


def write_run(directory: Path, *, classes: int = CLASSES) -> Path:
    """Write a small made-up run: one summary per network and class, pictures of one colour."""
    from PIL import Image

    def picture(*colour: int) -> dict[str, Any]:
        content = io.BytesIO()
        Image.new("RGB", (24, 16), colour).save(content, "WEBP", lossless=True)
        sha256 = hashlib.sha256(content.getvalue()).hexdigest()
        file = Path("objects") / sha256[:2] / f"{sha256}.webp"
        (directory / file).parent.mkdir(parents=True, exist_ok=True)
        (directory / file).write_bytes(content.getvalue())
        return {"file": str(file), "width": 24, "height": 16}

    summaries = []
    for number, (network, label) in enumerate((network, label) for network in NETWORKS for label in range(classes)):
        cells = [picture(number, member, 9) for member in range(MEMBERS)]
        member = {"box": [0.1, 0.1, 0.5, 0.5], "hull": [], "drop": 0.4}
        summaries.append(
            {
                "id": f"{network}-{label}",
                "class": f"class {label}",
                "network": network,
                "method": "visual-summaries",
                "arm": "summaries",
                "members": [
                    member | {"image": f"image-{label}-{place}", "similarity": 0.5 if place else None}
                    for place in range(MEMBERS)
                ],
                "quality": {"median_ssim": 0.3, "mean_similarity": 0.5, "mean_drop": 0.4, "size_before_filter": 6},
                "files": {"grid": cells[0]["file"], "cells": cells, "crops": cells},
            }
        )
    network_record = {"weights": "none", "weights_sha256": "0" * 64, "input_height": 224, "input_width": 224}
    manifest = {
        "schema_version": "1.0",
        "run": {
            "digest": "0" * 64,
            "code_version": "0",
            "dataset": "made up",
            "preset": "none",
            "config": {},
            "seed": 0,
            "synthetic": True,
        },
        "classes": [{"name": f"class {label}", "folder": str(label), "wnid": None} for label in range(classes)],
        "networks": [
            {"name": name, "mean": [0, 0, 0], "std": [1, 1, 1], "images_seen": 1, "images_correct": 1, **network_record}
            for name in NETWORKS
        ],
        "images": [],
        "masks": [],
        "clusterings": [],
        "summaries": summaries,
        "skipped": [],
    }
    (directory / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return directory


def prepare(participants: int, directory: Path) -> None:
    """Migrate the database and launch a study with exactly as many places as participants."""
    import django

    django.setup()
    from django.core.management import call_command

    from study.presets import load_preset
    from study.services.runs import import_run
    from study.services.studies import create_study, launch_study

    call_command("migrate", verbosity=0)
    draft = create_study(
        load_preset("paper-2018"),
        slug="starts",
        blocks=[{"task": "name", "trials": TRIALS}],
        participants_planned=participants,
    )
    import_run(draft, write_run(directory))
    launch_study(draft)


def start_all(address: str, participants: int) -> list[float]:
    """Open the entry page for everybody, then post all consent forms at once; return the seconds that each post took.

    Raises:
        RuntimeError: a start was not answered with a participant's own page.
    """
    import httpx

    from study.forms_in_pages import find_forms

    barrier = threading.Barrier(participants)

    def start(_number: int) -> float:
        page = httpx.get(f"{address}/s/starts/", timeout=PATIENCE)
        form = next(form for form in find_forms(page.text) if form.method == "post")
        barrier.wait(timeout=PATIENCE)
        began = time.perf_counter()
        response = httpx.post(f"{address}{form.action}", data=form.fields, timeout=PATIENCE)
        taken = time.perf_counter() - began
        if response.status_code != httpx.codes.SEE_OTHER or not response.headers["location"].startswith("/p/"):
            raise RuntimeError(f"A start was answered with {response.status_code}; expected 303 to /p/….")
        return taken

    with ThreadPoolExecutor(participants) as pool:
        return list(pool.map(start, range(participants)))


def measure(participants: int, *, workers: int, threads: int) -> dict[str, Any]:
    """Run it on the database of the environment and return what was counted."""
    with tempfile.TemporaryDirectory() as name:
        prepare(participants, Path(name))
        server = gunicorn("config.wsgi", workers=workers, threads=threads)
        try:
            times = sorted(start_all(server.address, participants))
        finally:
            server.stop()
    from django.db import connection

    from study.models import Participant, ParticipantState, Slot, SlotState
    from study.services.quotas import trials_per_cell

    study = Participant.objects.select_related("study").first()
    counts = Counter(trials_per_cell(study.study)) if study else Counter()
    holders = Participant.objects.filter(state=ParticipantState.CONSENTED)
    return {
        "database": connection.vendor,
        "participants": participants,
        "inside": holders.count(),
        "slots claimed": Slot.objects.filter(state=SlotState.CLAIMED).count(),
        "slots given twice": holders.count() - holders.values("slot_number").distinct().count(),
        "cells": len(counts),
        "cell difference": max(counts.values(), default=0) - min(counts.values(), default=0),
        "median s": round(times[len(times) // 2], 2),
        "slowest s": round(times[-1], 2),
    }


def in_own_process(arguments: argparse.Namespace, database_url: str, var: str) -> dict[str, Any]:
    """Run the measurement in a process whose settings point to a database of its own."""
    command = [sys.executable, "-m", "benchmarks.starts", "--participants", str(arguments.participants), "--here"]
    command += ["--workers", str(arguments.workers), "--threads", str(arguments.threads)]
    own = {"DATABASE_URL": database_url, "VAR_DIRECTORY": var, "DJANGO_SETTINGS_MODULE": "config.settings"}
    own |= {"OMP_NUM_THREADS": "1"}
    result = subprocess.run(  # noqa: S603  (the command is built here)
        command, cwd=ROOT, env=os.environ | own, capture_output=True, text=True, timeout=900
    )
    if result.returncode:
        raise SystemExit(result.stderr[-3000:] or result.stdout[-3000:])
    return dict(json.loads(result.stdout.strip().splitlines()[-1]))


def on_postgresql(arguments: argparse.Namespace, var: str) -> dict[str, Any] | None:
    """Measure on a PostgreSQL database made for the purpose; None where no server answers."""
    import psycopg

    url = os.environ.get("TEST_POSTGRESQL_URL") or DEFAULT_POSTGRESQL
    name = f"starts_{secrets.token_hex(6)}"
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=5)
    except psycopg.Error as error:
        print(f"No PostgreSQL: {str(error).splitlines()[0]}", file=sys.stderr)
        return None
    with connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            return in_own_process(arguments, f"{url.rsplit('/', 1)[0]}/{name}", var)
        finally:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.starts", description=__doc__)
    parser.add_argument("--participants", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2, help="gunicorn's processes")
    parser.add_argument("--threads", type=int, default=4, help="threads of each")
    parser.add_argument("--here", action="store_true", help="measure on the database of the environment, as JSON")
    arguments = parser.parse_args()
    if arguments.here:
        print(json.dumps(measure(arguments.participants, workers=arguments.workers, threads=arguments.threads)))
        return 0
    with tempfile.TemporaryDirectory() as var:
        rows = [in_own_process(arguments, f"sqlite:///{var}/starts.sqlite3", var)]
    with tempfile.TemporaryDirectory() as var:
        found = on_postgresql(arguments, var)
    rows += [found] if found is not None else []
    for row in rows:
        print("  ".join(f"{name}: {value}" for name, value in row.items()))
    good = all(
        row["inside"] == row["slots claimed"] == row["participants"]
        and row["slots given twice"] == 0
        and row["cell difference"] <= 1
        for row in rows
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
