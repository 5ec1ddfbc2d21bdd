"""Whatever people, recruiters, browsers and clocks do in whatever order, the platform does what the model says.

`TORTURE_EXAMPLES=500` runs more sequences; `make torture` does.
"""

import logging
import os
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.test import Client, TestCase
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from study.forms_in_pages import find_forms
from study.models import Answer, Participant, Phase, Slot, Tally
from study.presets import load_preset
from study.services.completion import mark_returned, mark_timed_out
from study.services.quotas import trials_per_cell
from study.services.runs import import_run
from study.services.slots import sweep_leases
from study.services.studies import create_study, launch_study
from study.services.tallies import counted, update_tally
from study.tallying import count, empty_totals
from tests.study.model_of_slots import Model

TRIALS, PLACES = 3, 3
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
EXAMPLES = int(os.environ.get("TORTURE_EXAMPLES", "20"))
STATUS = {"taken": 303, "stands": 303, "outdated": 409}
WHO = st.integers(0, 30)


class Clock:
    """The time that the services see."""

    def __init__(self):
        self.time = START

    def __call__(self):
        return self.time


class Machine(RuleBasedStateMachine):
    """Everything happens twice: to the model, and through the real pages and services."""

    def __init__(self, study, clock):
        super().__init__()
        self.study, self.clock, self.client = study, clock, Client()
        clock.time = START
        self.example = transaction.atomic()
        self.example.__enter__()
        slots = Slot.objects.filter(study=study).order_by("number")
        self.model = Model(
            [slot.cells for slot in slots],
            lease=timedelta(minutes=study.lease_minutes),
            trials=TRIALS,
            quota=study.quota_per_cell,
            now=clock.time,
        )
        self.tokens, self.links, self.nonces = [], [], {}

    def teardown(self):
        try:
            self.count()
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    def chosen(self, who):
        return self.model.people[who % len(self.model.people)]

    def token(self, person):
        return self.tokens[self.model.people.index(person)]

    def participant(self, person):
        return Participant.objects.get(token=self.token(person))

    def path(self, person, page=""):
        return f"/p/{self.token(person)}/{page}"

    def tick(self):
        """A second passes; what the platform does after a commit is done before anything else happens."""
        self.clock.time += timedelta(seconds=1)
        self.model.now = self.clock.time
        return TestCase.captureOnCommitCallbacks(execute=True)

    def consent(self, link, *, fresh=False):
        form = next(form for form in find_forms(self.client.get(link).content.decode()) if "attempt=" in form.action)
        action = form.action if fresh else self.nonces.setdefault(link, form.action)
        location = self.client.post(action).headers["Location"]
        return location.strip("/").split("/")[-1]

    @rule()
    def join(self):
        link = f"{self.study.get_absolute_url()}?PROLIFIC_PID=person-{len(self.tokens)}"
        with self.tick():
            self.model.join()
            self.tokens.append(self.consent(link))
        self.links.append(link)

    there_are_people = precondition(lambda self: self.model.people)

    @there_are_people
    @rule(who=WHO, fresh=st.booleans())
    def consent_again(self, who, fresh):
        person = self.chosen(who)
        if person.state == "withdrawn" and fresh:
            return  # nothing leads from the link to who has withdrawn; somebody new would enter
        with self.tick():
            self.model.consent_again(person)
            link = self.links[self.model.people.index(person)]
            if fresh:
                assert self.consent(link, fresh=True) == self.token(person)
            else:
                assert self.client.post(self.nonces[link]).headers["Location"] == self.path(person)

    @there_are_people
    @rule(who=WHO)
    def look(self, who):
        person = self.chosen(who)
        with self.tick():
            self.model.look(person)
            assert self.client.get(self.path(person)).status_code == 200

    @there_are_people
    @rule(who=WHO)
    def go_on(self, who):
        person = self.chosen(who)
        with self.tick():
            self.model.go_on(person)
            assert self.client.post(self.path(person, "continue/")).status_code == 303

    def send(self, person, position, text):
        trial = self.participant(person).trials.filter(position=position).first()
        nonce = trial.nonce if trial else "withdrawn-long-ago"
        with self.tick():
            expected = self.model.answer(person, position, text)
            response = self.client.post(self.path(person, f"answer/{nonce}/"), {"text": text, "confidence": "4"})
            assert response.status_code == STATUS[expected]

    with_trials = precondition(lambda self: any(person.place for person in self.model.people))

    def somebody_with_trials(self, who):
        people = [person for person in self.model.people if person.place]
        return people[who % len(people)]

    @with_trials
    @rule(who=WHO, word=st.sampled_from(["beak", "wing", "tail"]))
    def answer(self, who, word):
        person = self.somebody_with_trials(who)
        self.send(person, min(person.position, TRIALS), word)

    @with_trials
    @rule(who=WHO, word=st.sampled_from(["beak", "wing", "tail"]), trials=st.integers(1, TRIALS))
    def read_and_answer(self, who, word, trials):
        """The usual way, so that people get far: open the page, leave the instructions, answer."""
        person = self.somebody_with_trials(who)
        self.look(self.model.people.index(person))
        self.go_on(self.model.people.index(person))
        for _ in range(trials):
            self.look(self.model.people.index(person))
            self.send(person, min(person.position, TRIALS), word)

    @with_trials
    @rule(who=WHO)
    def retry(self, who):
        """The newest answer again, with other words."""
        person = self.somebody_with_trials(who)
        self.send(person, max(1, len(person.answers)), "another word")

    @with_trials
    @rule(who=WHO, position=st.integers(1, TRIALS))
    def go_back(self, who, position):
        """Any page of the past or future, as with the browser's button or a guessed address."""
        self.send(self.somebody_with_trials(who), position, "a word from elsewhere")

    @there_are_people
    @rule(who=WHO)
    def give_a_sign_of_life(self, who):
        person = self.chosen(who)
        with self.tick():
            kept = self.model.live(person)
            assert self.client.post(self.path(person, "heartbeat/")).status_code == (204 if kept else 410)

    @there_are_people
    @rule(who=WHO)
    def recruiter_says_returned(self, who):
        person = self.chosen(who)
        with self.tick():
            self.model.return_submission(person)
            mark_returned(self.participant(person))

    @there_are_people
    @rule(who=WHO)
    def recruiter_says_timed_out(self, who):
        person = self.chosen(who)
        with self.tick():
            self.model.time_out(person)
            mark_timed_out(self.participant(person))

    @there_are_people
    @rule(who=WHO)
    def withdraw(self, who):
        person = self.chosen(who)
        with self.tick():
            self.model.withdraw(person)
            assert self.client.post(self.path(person, "withdraw/")).status_code == 303

    @rule(minutes=st.sampled_from([1, 10, 29, 31, 31, 120, -20, -120]))
    def pass_time(self, minutes):
        """Time passes, or the clock of the server is set, forward or back."""
        self.clock.time += timedelta(minutes=minutes)

    @rule()
    def sweep(self):
        with self.tick():
            self.model.sweep()
            sweep_leases(now=self.clock.time)

    @rule()
    def count(self):
        """The running totals hold what a recount holds; answers that bear a time to come wait for it."""
        update_tally(self.study, now=self.clock.time + timedelta(seconds=10))
        tally, complete = update_tally(self.study, now=START + timedelta(days=365))
        assert complete
        answers = Answer.objects.filter(trial__participant__study=self.study, trial__phase=Phase.MAIN)
        recounted = empty_totals()
        count(recounted, counted(answers))
        named = {stimulus: names for stimulus, names in tally.totals["stimuli"].items() if names}
        assert named == recounted["stimuli"]
        assert all(tally.totals[key] == recounted[key] for key in ("answers", "cells", "hours"))
        assert set(tally.totals["people"]) == set(recounted["people"])

    @invariant()
    def slots_are_as_in_the_model(self):
        stored = [
            (slot.number, slot.state, slot.holder.token if slot.holder else None, slot.lease_expires_at)
            for slot in Slot.objects.filter(study=self.study).select_related("holder").order_by("number")
        ]
        assert stored == [
            (place.number, place.state, self.token(place.holder) if place.holder else None, place.expires)
            for place in self.model.places
        ]

    @invariant()
    def people_and_answers_are_as_in_the_model(self):
        stored = dict(Participant.objects.filter(study=self.study).values_list("token", "state"))
        assert stored == {self.token(person): person.state for person in self.model.people}
        rows = Answer.objects.filter(trial__participant__study=self.study).values_list(
            "trial__participant__token", "trial__position", "text"
        )
        assert Counter(rows) == Counter(
            (self.token(person), position, text)
            for person in self.model.people
            for position, text in person.answers.items()
        )

    @invariant()
    def cells_are_balanced_and_within_the_quota(self):
        assert trials_per_cell(self.study) == self.model.trials_per_cell()
        held = Counter(cell for place in self.model.places if place.holder for cell in place.cells)
        if all(place.holder for place in self.model.places):
            for arm in {cell.rpartition(" | ")[2] for cell in held}:
                numbers = [number for cell, number in held.items() if cell.endswith(f" | {arm}")]
                assert max(numbers) - min(numbers) <= 1
        if self.study.quota_per_cell is not None:
            assert max(held.values(), default=0) <= self.study.quota_per_cell


@pytest.mark.django_db
@pytest.mark.parametrize("with_quota", [False, True], ids=["no quota", "quota"])
def test_the_platform_does_what_the_model_says(with_quota, run_directory, monkeypatch):
    draft = create_study(
        load_preset("paper-2018"),
        slug="model",
        seed=5,
        blocks=[{"task": "name", "trials": TRIALS, "control_share": 0.34}],
        participants_planned=PLACES,
        lease_minutes=30,
    )
    import_run(draft, run_directory)
    study = launch_study(draft)
    if with_quota:  # the plan as a whole fits exactly
        cells = Counter(cell for slot in study.slots.all() for cell in slot.cells)
        study.quota_per_cell = max(cells.values())
        study.save(update_fields=["quota_per_cell"])
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock)
    monkeypatch.setattr(logging.getLogger("django.request"), "disabled", True)  # hundreds of pages that are out of date
    run_state_machine_as_test(
        lambda: Machine(study, clock),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            deadline=None,
            report_multiple_bugs=False,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert not Participant.objects.exists() and not Tally.objects.exists()  # every sequence was rolled back
