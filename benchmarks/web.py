"""How many people a server can serve: whole participant sessions against gunicorn, and the same against others.

``python -m benchmarks.web --participants 400 --concurrent 50`` runs, one after the other and on databases of their own,

- the study platform with gunicorn as `deploy/gunicorn.conf.py` starts it on two cores (`--workers 2 --threads 4
  --keep-connections`: as `make serve` does), on SQLite and on PostgreSQL: from the consent page to the end, with
  `--rounds` trials of the task `name`;
- a bare Django site with the same settings, whose one view is a page, a form and one INSERT (`benchmarks/bare`);
- an oTree app that asks the same, with oTree's production server and its SQLite;
- with `--think 10`: the study platform again, with 300 people at once who take ten seconds for an answer, and every
  twentieth answer sent twice at once.

A *step* is what somebody waits for: from sending an answer until the next page is there (POST, redirect, GET). The
program that sends runs on the same machine and takes its share of it; its processor time is given. Ends with 1 where
an answer was lost or stored twice, or a session did not reach its end.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.otree_site import OTreeSite
from benchmarks.servers import ROOT, gunicorn, processor_seconds
from benchmarks.starts import DEFAULT_POSTGRESQL
from benchmarks.web_databases import SLUG
from benchmarks.web_load import Load

DATABASES = ("sqlite", "postgresql")
ENTRIES = {"study": f"/s/{SLUG}/", "bare": "/{number}/0/"}
APPLICATIONS = {"study": "config.settings", "bare": "benchmarks.bare.settings"}
REPEAT_EVERY = 20
MOST_SECONDS = 3600
OTREE = "oTree 6.0.15"


@contextlib.contextmanager
def environment_of(site: str, database: str) -> Iterator[dict[str, str]]:
    """Yield the environment of a site whose database is new and dropped afterwards, on the disk of this folder."""
    (ROOT / "var").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "var", prefix="web-") as var:
        own = {"VAR_DIRECTORY": var, "DJANGO_SETTINGS_MODULE": APPLICATIONS[site], "STATIC_MANIFEST": "1"}
        own |= {"ENTRY_LIMIT": "0", "OMP_NUM_THREADS": "1", "SECRET_KEY": secrets.token_hex(24)}
        if database == "sqlite":
            yield own | {"DATABASE_URL": f"sqlite:///{var}/web.sqlite3"}
            return
        import psycopg

        url = os.environ.get("TEST_POSTGRESQL_URL") or DEFAULT_POSTGRESQL
        name = f"web_{secrets.token_hex(6)}"
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
            try:
                yield own | {"DATABASE_URL": f"{url.rsplit('/', 1)[0]}/{name}"}
            finally:
                connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def python(module: str, *arguments: str, environment: dict[str, str], given: str | None = None) -> str:
    """Run a module of the benchmarks in a process of its own and return what it printed.

    Raises:
        SystemExit: it failed; the message is the end of what it complained about.
    """
    result = subprocess.run(  # noqa: S603  (the command is built here)
        [sys.executable, "-m", f"benchmarks.{module}", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        input=given,
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
    )
    if result.returncode:
        raise SystemExit(result.stderr[-3000:] or result.stdout[-3000:])
    return result.stdout


def send(load: Load, address: str) -> dict[str, Any]:
    """Let the program that stands for people run, and return what it measured."""
    printed = python("web_load", environment={}, given=json.dumps({"load": asdict(load), "address": address}))
    return dict(json.loads(printed))


def on_django(load: Load, database: str, **how: Any) -> dict[str, Any]:
    """Measure the study platform or the bare site on a database; `how` gunicorn serves is as in `servers.gunicorn`."""
    sizes = ("--participants", str(load.participants), "--rounds", str(load.rounds))
    with environment_of(load.site, database) as environment:
        python("web_databases", "prepare", load.site, *sizes, environment=environment)
        server = gunicorn("config.wsgi", environment=environment, **how)
        try:
            send(replace(load, participants=0), server.address)  # starts the sender once, so that its files are read
            server.wait_until_idle()
            before = server.processor_seconds(), processor_seconds(name="postgres")
            result = send(load, server.address)
            after = server.processor_seconds(), processor_seconds(name="postgres")
        finally:
            server.stop()
        texts = json.loads(python("web_databases", "stored", load.site, environment=environment))
    used = {"server_processor_seconds": after[0] - before[0], "postgresql_processor_seconds": after[1] - before[1]}
    if database == "sqlite":
        del used["postgresql_processor_seconds"]
    return verdict(result, texts) | {name: round(seconds, 2) for name, seconds in used.items()}


def on_otree(load: Load, environment: Path | None) -> dict[str, Any]:
    """Measure oTree on its SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "project"
        site = OTreeSite(place, participants=load.participants, rounds=load.rounds, environment=environment)
        try:
            site.server.wait_until_idle()
            before = site.server.processor_seconds()
            result = send(replace(load, entry=site.entry), site.server.address)
            used = site.server.processor_seconds() - before
        finally:
            texts = site.stored()
    return verdict(result, texts) | {"server_processor_seconds": round(used, 2)}


def verdict(result: dict[str, Any], texts: list[str]) -> dict[str, Any]:
    """Compare what was taken with what is stored; the texts themselves are left out of the result."""
    taken, stored = set(result.pop("taken")), Counter(texts)
    doubled = sum(number - 1 for number in stored.values())
    return result | {"answers": len(taken), "lost": len(taken - set(stored)), "doubled": doubled}


def line(name: str, row: dict[str, Any]) -> str:
    """Return one row of the table."""
    step, processor = row["step_ms"], row["server_processor_seconds"] + row.get("postgresql_processor_seconds", 0.0)
    return (
        f"{name:<34} {row['finished_per_second']:>8.2f} {row['answers_per_second']:>9.1f} {step.get('p50', 0):>8.0f} "
        f"{step.get('p95', 0):>7.0f} {step.get('p99', 0):>7.0f} {row['lost']:>5} {row['doubled']:>8} "
        f"{processor:>8.1f} {1000 * processor / max(1, row['answers']):>10.1f}"
    )


HEADING = (
    f"{'':<34} {'people/s':>8} {'answers/s':>9} {'p50 ms':>8} {'p95 ms':>7} {'p99 ms':>7} {'lost':>5} {'doubled':>8} "
    f"{'CPU s':>8} {'CPU ms each':>10}"
)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.web", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--participants", type=int, default=400, help="participants of each run")
    parser.add_argument("--concurrent", type=int, nargs="+", default=[50], help="how many at once; one run each")
    parser.add_argument("--rounds", type=int, default=20, help="answers of each participant")
    parser.add_argument("--databases", nargs="*", choices=DATABASES, default=list(DATABASES))
    parser.add_argument("--think", type=float, default=0.0, help="seconds for an answer, in one more run; 0: none")
    parser.add_argument("--think-concurrent", type=int, default=300, help="people at once in that run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=3, help="gunicorn's processes")
    parser.add_argument("--threads", type=int, default=1, help="threads of each")
    parser.add_argument("--keep-connections", action="store_true", help="as with no proxy before it")
    parser.add_argument("--without", nargs="*", choices=("study", "bare", "otree"), default=[], help="leave out")
    parser.add_argument("--otree", type=Path, help="environment of oTree; made in var/otree where there is none")
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    return parser.parse_args(arguments)


def main() -> int:
    """Measure everything that was asked for and print one table."""
    options = parse()
    rows: dict[str, dict[str, Any]] = {}

    def note(name: str, row: dict[str, Any]) -> None:
        rows[name] = row
        print(line(name, row), flush=True)
        for error in row["errors"]:
            print(f"    {error}", file=sys.stderr)

    how = {"workers": options.workers, "threads": options.threads, "keeps_connections": options.keep_connections}
    print(HEADING)
    base = Load("study", ENTRIES["study"], options.participants, 1, options.rounds, seed=options.seed)
    for concurrent in options.concurrent:
        load = replace(base, concurrent=concurrent)
        for site in ("study", "bare"):
            for database in options.databases if site not in options.without else ():
                own = replace(load, site=site, entry=ENTRIES[site])
                found = on_django(own, database, **how)
                note(f"{site}, {database}, {concurrent} at once", found)
        if "otree" not in options.without:
            note(f"{OTREE}, sqlite, {concurrent} at once", on_otree(replace(load, site="otree"), options.otree))
        print_ratios(rows, concurrent)
    if options.think:
        calm = replace(base, concurrent=options.think_concurrent, participants=options.think_concurrent)
        calm = replace(calm, think_seconds=options.think, repeat_every=REPEAT_EVERY)
        for database in options.databases:
            row = on_django(calm, database, **how)
            note(f"study, {database}, {calm.concurrent} who think {options.think:g} s", row)
    if options.json:
        record = {name: str(value) for name, value in vars(options).items()}
        options.json.write_text(json.dumps({"options": record, "rows": rows}, indent=1) + "\n")
    return 0 if all(not row["lost"] and not row["doubled"] and not row["error_count"] for row in rows.values()) else 1


def print_ratios(rows: dict[str, dict[str, Any]], concurrent: int) -> None:
    """Print how the study platform's answers per second compare with those of the others."""
    for database in DATABASES:
        own = rows.get(f"study, {database}, {concurrent} at once")
        for name in (f"bare, {database}, {concurrent} at once", f"{OTREE}, sqlite, {concurrent} at once"):
            if own and rows.get(name, {}).get("answers_per_second"):
                ratio = own["answers_per_second"] / rows[name]["answers_per_second"]
                print(f"    {ratio:.2f} times the answers per second of {name}, with {database}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
