"""The profile of the web: which part a moment belongs to, and a session that is looked at."""

import importlib
import inspect
import json

import pytest

from benchmarks import web_profile
from benchmarks.web import environment_of, python
from benchmarks.web_profile import ANSWER, PARTS, REST, StackSampler

HERE = "tests/benchmarks/test_web_profile.py"


def stack():
    return inspect.currentframe()


def inner():
    return stack()


def outer():
    return inner()


def test_a_moment_belongs_to_the_first_part_on_its_stack(monkeypatch):
    monkeypatch.setattr(web_profile, "HANDLER", (HERE, "test_a_moment_belongs_to_the_first_part_on_its_stack"))
    assert StackSampler({(HERE, "inner"): "in", (HERE, "outer"): "out"}).part_of(outer()) == ("in", False)
    assert StackSampler({(HERE, "outer"): "out", (HERE, "inner"): "in"}).part_of(outer()) == ("out", False)
    assert StackSampler({(HERE, "outer"): "out"}).part_of(stack()) == (REST, False)


def test_what_the_browser_does_is_not_counted():
    assert StackSampler({(HERE, "inner"): "in"}).part_of(outer()) is None


def test_shares_are_of_all_samples():
    sampler = StackSampler({})
    sampler.samples.update({("lock", True): 3, ("lock", False): 3, ("page", False): 2})
    assert sampler.shares() == [("lock", 0.75, 0.375), ("page", 0.25, 0.0)]


@pytest.mark.parametrize("place", PARTS)
def test_every_part_is_a_function_that_exists(place):
    """Renamed functions would silently count as the rest."""
    file, name = place
    function = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    for part in name.split("."):
        function = getattr(function, part)
    code = inspect.unwrap(function).__code__
    assert (code.co_qualname, code.co_filename.endswith(file)) == (name, True)


@pytest.mark.slow
def test_sessions_are_looked_at():
    with environment_of("study", "sqlite") as environment:
        python("web_databases", "prepare", "study", "--participants", "4", "--rounds", "4", environment=environment)
        printed = python("web_profile", "--inside", "--participants", "3", "--rounds", "4", environment=environment)
    found = json.loads(printed)
    of_each = {row["kind"]: row["of_each_person"] for row in found["requests"]}
    assert of_each[ANSWER] == 3
    assert of_each["consent"] == of_each["the last answer and the end"] == 1
    assert sum(row["share"] for row in found["requests"]) == pytest.approx(1)
    assert all(row["clock_ms"] > 0 for row in found["requests"])
    assert sum(share for _, share, _ in found["parts"]) == pytest.approx(1)
