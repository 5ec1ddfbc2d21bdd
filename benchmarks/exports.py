"""Time and memory of exports: `python -m benchmarks.exports --answers 1000000`, on SQLite or with `DATABASE_URL`.

Each form of the export is written in a process of its own, whose largest memory is read afterwards, and by how much it
grew while writing.
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

from benchmarks.made_up_study import TRIALS, fresh_database, make_study

FORMS = ("csv", "jsonl", "parquet", "wide", "zip")


def main() -> None:
    """Fill a database, export, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    arguments = parser.parse_args()
    with fresh_database() as vendor:
        started = time.perf_counter()
        study = make_study(participants=round(arguments.answers / (TRIALS * 0.94)))
        from study.models import Answer

        answers = Answer.objects.count()
        print(f"{vendor}: {answers} answers written in {time.perf_counter() - started:.0f} s", flush=True)
        rows = []
        for form in FORMS:
            rows.append({"form": form} | in_own_process(form, study.pk))
            print(rows[-1], flush=True)
    result = {"database": vendor, "answers": answers, "exports": rows}
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


def in_own_process(form: str, study: int) -> dict[str, object]:
    """Export in a forked process; return seconds (clock, processor), memory and its growth, and bytes written."""
    from django.db import connections

    connections.close_all()
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_export, args=(form, study, sender))
    process.start()
    result = receiver.recv()
    process.join()
    return dict(result)


def _export(form: str, key: int, sender) -> None:  # type: ignore[no-untyped-def]
    from study.exports import Counts, Format, export_files, zip_chunks
    from study.models import Study

    study = Study.objects.get(pk=key)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, worked = time.perf_counter(), time.process_time()
    formats = {"jsonl": Format.JSON_LINES, "parquet": Format.PARQUET, "wide": Format.WIDE}
    name = {"csv": "responses_long.csv", "wide": "responses_wide.csv"}.get(form, f"responses_long.{form}")
    files = export_files(study, counts=Counts(), formats=[formats[form]] if form in formats else [])
    if form == "zip":
        chunks = zip_chunks((file for file in files if not file.name.startswith("pictures/")), folder="study")
    else:
        chunks = next(file for file in files if file.name == name).chunks()
    with tempfile.TemporaryFile() as stream:
        for chunk in chunks:
            stream.write(chunk)
        written = stream.tell()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sender.send(
        {
            "seconds": round(time.perf_counter() - started, 1),
            "cpu_seconds": round(time.process_time() - worked, 1),
            "megabytes": round(written / 1e6, 1),
            "largest_memory_mb": round(after / 1024),
            "grown_by_mb": round((after - before) / 1024),
        }
    )


if __name__ == "__main__":
    main()
