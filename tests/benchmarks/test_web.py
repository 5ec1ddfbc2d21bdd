"""The benchmark of the web, small: whole sessions against a running server, and how lost and doubled answers count."""

import pytest

from benchmarks.web import ENTRIES, on_django, verdict
from benchmarks.web_load import Load, percentiles


def test_lost_and_doubled_answers_are_counted():
    result = verdict({"taken": ["a", "b", "c"], "finished": 1}, ["a", "a", "a", "c", "d"])
    assert result == {"finished": 1, "answers": 3, "lost": 1, "doubled": 2}


def test_percentiles():
    assert percentiles([]) == {}
    assert percentiles([float(x) for x in range(200, 0, -1)]) == {
        "p50": 101.0,
        "p95": 191.0,
        "p99": 199.0,
        "max": 200.0,
    }


@pytest.mark.slow
def test_sessions_against_a_server():
    load = Load("study", ENTRIES["study"], participants=3, concurrent=3, rounds=4, repeat_every=3)
    row = on_django(load, "sqlite", workers=1, threads=2)
    assert (row["finished"], row["answers"], row["lost"], row["doubled"]) == (3, 12, 0, 0)
    assert row["error_count"] == 0, row["errors"]
    assert row["step_ms"]["p50"] > row["post_ms"]["p50"] > 0
