"""Time and memory of the whole analysis, from an export to the report, as the number of answers grows.

    python -m benchmarks.report [--answers 2000 20000 200000] [--draws 2000] [--json FILE]

The exports are made here: crossed participants and summaries, names from a long-tailed distribution with slips of the
keyboard, a random arm. Each analysis runs as a process of its own, so that its peak memory is its own. The last line
gives the exponent of growth, fitted to the logarithms.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.contract import contract

CLASSES, NETWORKS = 10, 3
TRIALS = 40
"""Answers of one participant."""
DIGEST = "ab" * 32
LIST_OF_WORDS = """
head body legs wings tail beak eye neck back belly feather claw ear nose paw wheel window door light handle key
string reed bell sleeve collar button pocket strap buckle rim brim roof chimney track ladder hook shell fin stripe
"""
WORDS = tuple(LIST_OF_WORDS.split())


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description="Cost of the analysis.")
    parser.add_argument("--answers", type=int, nargs="+", default=[2000, 20_000, 200_000])
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args(arguments)
    records = []
    for answers in options.answers:
        with tempfile.TemporaryDirectory() as place:
            directory = Path(place) / "export"
            write_export(directory, answers=answers, seed=1)
            records.append({"answers": answers} | measure(directory, Path(place) / "report", draws=options.draws))
        record = records[-1]
        print(
            f"{answers:>9,} answers  {record['seconds']:7.1f} s by the clock  {record['processor_seconds']:7.1f} s of "
            f"the processor  {record['peak_mib']:7.0f} MiB  page {record['report_mib']:.1f} MiB",
            flush=True,
        )
    if len(records) > 1:
        logs = np.log([[record["answers"], record["processor_seconds"]] for record in records])
        print(f"processor seconds grow with answers to the power of {np.polyfit(logs[:, 0], logs[:, 1], 1)[0]:.2f}")
        last = (logs[-1, 1] - logs[-2, 1]) / (logs[-1, 0] - logs[-2, 0])
        print(f"and between the two largest numbers of answers to the power of {last:.2f}")
    if options.json:
        options.json.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")


def measure(directory: Path, out: Path, *, draws: int) -> dict[str, float]:
    """Run ``python -m analysis`` on an export: seconds by the clock and of the processor, peak memory, the page.

    Raises:
        subprocess.CalledProcessError: the analysis failed.
    """
    command = [
        sys.executable,
        "-m",
        "analysis",
        str(directory),
        "--out",
        str(out),
        "--bootstrap",
        str(draws),
        "--quiet",
    ]
    start = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})  # noqa: S603 — our own command
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status):
        raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), command)
    return {
        "seconds": round(seconds, 2),
        "processor_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_mib": round(_kibibytes(usage) / 1024, 1),
        "report_mib": round((out / "report.html").stat().st_size / 2**20, 2),
    }


def _kibibytes(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / 1024 if sys.platform == "darwin" else usage.ru_maxrss


def write_export(directory: Path, *, answers: int, seed: int) -> None:
    """Write an export with so many naming answers; summaries grow with the square root of the participants."""
    generator = np.random.default_rng(seed)
    participants = max(2, answers // TRIALS)
    per_cell = max(2, int(np.sqrt(participants) / 6))
    stimuli = _stimuli(per_cell)
    people = np.repeat(np.arange(participants), TRIALS)[:answers]
    position = np.arange(people.size) % TRIALS
    first = generator.integers(len(stimuli), size=participants)
    stride = next(step for step in range(len(stimuli) // TRIALS + 1, len(stimuli)) if np.gcd(step, len(stimuli)) == 1)
    shown = (first[people] + position * stride) % len(stimuli)
    own = stimuli.iloc[shown].reset_index(drop=True)
    main = (own["arm"] == "summaries").to_numpy()
    named = generator.random(people.size) < np.where(main, 0.85, 0.3)
    rank = np.minimum(generator.zipf(2.0, size=people.size) - 1, len(WORDS) - 1)
    words = np.asarray(WORDS)[
        (shown + np.where(main, rank, generator.integers(len(WORDS), size=people.size))) % len(WORDS)
    ]
    slips = generator.random(people.size) < 0.03
    texts = np.where(slips, [word[1] + word[0] + word[2:] for word in words], words)
    start = pd.Timestamp("2026-01-01T00:00:00Z")
    served = start + pd.to_timedelta(np.arange(people.size) * 250, unit="ms")
    responses = pd.DataFrame(
        {
            "study_version": 1,
            "participant": [f"p{number:07d}" for number in people],
            "simulated": "true",
            "participant_state": "completed",
            "trial_position": position + 1,
            "phase": "main",
            "task": "name",
            **{column: own[column] for column in ("summary", "class", "network", "method", "arm", "run_digest")},
            "answer_kind": np.where(named, "named", "no-common-part"),
            "answer_text": np.where(named, texts, ""),
            "confidence": generator.integers(1, 6, size=people.size),
            "reaction_time_ms": generator.lognormal(8.6, 0.5, size=people.size).round(1),
            "server_time_ms": 9000,
            "reloads": 0,
            "language": "en",
            "served_at": served.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "answered_at": served.strftime("%Y-%m-%dT%H:%M:%S.900Z"),
        }
    )
    moment = start.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    consented = pd.DataFrame(
        {
            "study_version": 1,
            "participant": [f"p{number:07d}" for number in range(participants)],
            "simulated": "true",
            "source": "simulated",
            "state": "completed",
            "language": "en",
            "consented_at": moment,
            "started_at": moment,
            "completed_at": moment,
            "trials_planned": TRIALS,
            "trials_answered": TRIALS,
            "attention_checks": 0,
            "attention_failed": 0,
            "came_back_late": "false",
        }
    )
    directory.mkdir(parents=True)
    for name, frame in (("responses_long", responses), ("participants", consented), ("stimuli", stimuli)):
        whole = frame.assign(schema_version=contract().schema_version, study="large")
        columns = [column.name for column in contract().tables[name].columns]
        whole.reindex(columns=columns).to_csv(directory / f"{name}.csv", index=False)


def _stimuli(per_cell: int) -> pd.DataFrame:
    rows = [
        {
            "summary": f"c{label}-n{network}-{arm}-{number}",
            "class": f"class {label}",
            "network": f"network {network}",
            "method": "crisp-masks",
            "arm": arm,
            "members": 8,
            "mean_drop": 0.4,
            "median_ssim": 0.3,
            "coverage": 0.5,
            "network_accuracy": 0.6 + 0.1 * network,
            "run_digest": DIGEST,
        }
        for label in range(CLASSES)
        for network in range(NETWORKS)
        for arm, count in (("summaries", per_cell), ("random-regions", max(1, per_cell // 3)))
        for number in range(count)
    ]
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
