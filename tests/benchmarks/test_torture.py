"""Nothing lost, at the size of a test suite; `make torture KILLS=10000` is the long form."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KILLS = 100
pytestmark = pytest.mark.slow


def torture(database, *options):
    command = [sys.executable, "-m", "benchmarks.torture", "--databases", database, "--json", *options]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400)
    assert result.stdout, result.stderr[-3000:]
    return json.loads(result.stdout)[database]


def check(outcome):
    assert outcome["problems"] == []
    assert outcome["lost"] == outcome["doubled"] == 0
    assert outcome["largest_imbalance"] <= 1
    assert sum(outcome["kills"].values()) >= KILLS
    assert min(outcome["kills"][victim] for victim in ("web worker", "background worker", "whole server")) > 0
    assert outcome["answers"] >= outcome["completed"] * 8 > 0


def test_nothing_is_lost_on_sqlite_while_processes_are_killed():
    outcome = torture("sqlite", "--kills", str(KILLS))
    check(outcome)
    assert outcome["refused"] == {}


@pytest.mark.postgresql
def test_nothing_is_lost_on_postgresql_while_processes_are_killed_and_connections_cut(postgresql_url):
    outcome = torture("postgresql", "--kills", str(KILLS))
    check(outcome)
    assert outcome["kills"]["database connections"] > 0
    assert set(outcome["refused"]) <= {"503"}


def check_migration(outcome):
    """Pages may say for a moment that they cannot answer; what was acknowledged is there."""
    assert outcome["problems"] == []
    assert outcome["lost"] == outcome["doubled"] == 0
    assert outcome["answers"] >= outcome["completed"] * 8 > 0


def test_answers_that_arrive_during_a_migration_are_kept_on_sqlite():
    check_migration(torture("sqlite", "--kills", "0", "--migrate", "--places", "16"))


@pytest.mark.postgresql
def test_answers_that_arrive_during_a_migration_are_kept_on_postgresql(postgresql_url):
    check_migration(torture("postgresql", "--kills", "0", "--migrate", "--places", "16"))
