"""Running totals hold every answer once, whatever the clock does."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from study.models import Answer, Phase
from study.services.tallies import counted, update_tally
from study.services.withdrawal import withdraw
from study.tallying import count, empty_totals

pytestmark = pytest.mark.django_db
REAL_NOW = timezone.now


@pytest.fixture
def clock(monkeypatch):
    """Return a function that sets the server's clock so many hours off; times still pass."""

    def set_clock(hours):
        monkeypatch.setattr(timezone, "now", lambda: REAL_NOW() + timedelta(hours=hours))

    return set_clock


def recount(study):
    totals = empty_totals()
    answers = Answer.objects.filter(trial__participant__study=study, trial__phase=Phase.MAIN)
    count(totals, counted(answers.order_by("answered_at")))
    return totals


def look(study, *, later_by=timedelta(seconds=10)):
    """Look at the monitor ten seconds from now, when answers count as settled."""
    tally, complete = update_tally(study, now=timezone.now() + later_by)
    assert complete
    return tally.totals


def same(totals, expected):
    named = {stimulus: names for stimulus, names in totals["stimuli"].items() if names}
    keys = ("answers", "cells", "hours", "times", "people")
    return named == expected["stimuli"] and all(totals[key] == expected[key] for key in keys)


@pytest.mark.parametrize("hours", [(0, -5), (0, 5), (0, 5, 0), (0, -5, 0), (5, 0, -5, 5)], ids=str)
def test_answers_are_counted_once_when_the_clock_is_set(study, take_part, clock, hours):
    for number, offset in enumerate(hours):
        clock(offset)
        take_part(study, number, ["beak", ""], trials=4)
        look(study)
    clock(max(hours))  # what bears a time to come is counted when that time has come
    assert same(look(study), recount(study))
    assert look(study)["answers"] == Answer.objects.filter(trial__phase=Phase.MAIN).count() > len(hours)


def test_withdrawing_takes_out_what_was_counted_and_nothing_else(study, take_part, clock):
    take_part(study, 0, ["beak"], trials=4)
    look(study)
    clock(-5)
    person = take_part(study, 1, ["wing"], trials=4)
    withdraw(person)  # before anybody looked: none of the answers was counted
    assert same(look(study), recount(study))
    counted_person = take_part(study, 2, ["tail"], trials=4)
    look(study)
    withdraw(counted_person)
    assert same(look(study), recount(study))
    assert all(number > 0 for number in Counter(look(study)["cells"]).values())


def test_an_answer_of_the_very_moment_that_was_counted_last_is_not_missed(study, take_part):
    take_part(study, 0, ["beak"], trials=4)
    look(study)
    last = Answer.objects.latest("answered_at")
    take_part(study, 1, ["wing"], trials=3)
    Answer.objects.filter(pk__gt=last.pk).update(answered_at=last.answered_at)
    assert same(look(study), recount(study))
