"""The benchmark of simultaneous starts, smaller: threads against a running server, on both databases."""

import argparse

import pytest

from benchmarks.starts import in_own_process, on_postgresql

ARGUMENTS = argparse.Namespace(participants=24, workers=2, threads=4)


def check(row):
    assert row["inside"] == row["slots claimed"] == row["participants"] == 24
    assert row["slots given twice"] == 0
    assert row["cells"] == 20
    assert row["cell difference"] <= 1


@pytest.mark.slow
def test_simultaneous_starts_on_sqlite(tmp_path):
    check(in_own_process(ARGUMENTS, f"sqlite:///{tmp_path}/starts.sqlite3", str(tmp_path)))


@pytest.mark.slow
@pytest.mark.postgresql
def test_simultaneous_starts_on_postgresql(postgresql_url, tmp_path, monkeypatch):
    monkeypatch.setenv("TEST_POSTGRESQL_URL", postgresql_url)
    row = on_postgresql(ARGUMENTS, str(tmp_path))
    assert row is not None
    check(row)
