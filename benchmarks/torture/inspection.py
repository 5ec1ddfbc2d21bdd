"""Comparing the ledger with the database, and looking for anything that should not be there."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from django.db import connection
from django.db.models import Count, F, Q
from django.utils import timezone

from benchmarks.torture.people import Ledger
from study.models import (
    Answer,
    Event,
    EventKind,
    ExternalIdentity,
    Participant,
    ParticipantState,
    Phase,
    Slot,
    SlotState,
    Study,
    Trial,
)
from study.services.tallies import counted, update_tally
from study.tallying import count, empty_totals


def lost_and_doubled(study: Study, ledger: Ledger) -> tuple[int, int]:
    """Return how many acknowledged answers are not stored as they were sent, and how many rows nobody knows of."""
    kept = {nonce: answer for nonce, answer in ledger.saved.items() if answer.token not in ledger.withdrawn}
    stored = Counter[tuple[str, str, str, int | None]](
        Answer.objects.filter(trial__participant__study=study).values_list(
            "trial__nonce", "trial__participant__token", "text", "confidence"
        )
    )
    expected = {(nonce, answer.token, answer.text, answer.confidence) for nonce, answer in kept.items()}
    lost = sum(stored[line] == 0 for line in expected)
    doubled = sum(number - (line in expected) for line, number in stored.items())
    return lost, doubled


def problems(study: Study, ledger: Ledger) -> list[str]:
    """Return whatever is wrong with a study all of whose places are completed."""
    return [
        *ledger.complaints,
        *_people(study, ledger),
        *_slots(study, ledger),
        *_orphans(study),
        *_totals(study),
        *_database(),
    ]


def imbalance(study: Study) -> int:
    """Return by how many trials two cells differ, over participants who completed."""
    done = Participant.objects.filter(study=study, state=ParticipantState.COMPLETED)
    cells = Counter(
        Trial.objects.filter(participant__in=done, phase=Phase.MAIN).exclude(cell="").values_list("cell", flat=True)
    )
    planned = {cell for slot in study.slots.all() for cell in slot.cells}
    numbers = [cells[cell] for cell in planned]
    return max(numbers, default=0) - min(numbers, default=0)


def _people(study: Study, ledger: Ledger) -> list[str]:
    people = Participant.objects.filter(study=study)
    found = []
    tokens = set(people.values_list("token", flat=True))
    if tokens != set(ledger.entered.values()):
        found.append(f"{len(tokens)} participants are stored, but {len(ledger.entered)} people entered.")
    for state, known in (
        (ParticipantState.COMPLETED, ledger.completed),
        (ParticipantState.WITHDRAWN, ledger.withdrawn),
    ):
        stored = set(people.filter(state=state).values_list("token", flat=True))
        if stored != known:
            found.append(f"{len(stored)} are stored as {state}, but {len(known)} were told so.")
    unfinished = people.filter(state=ParticipantState.COMPLETED, trials__answer=None).distinct().count()
    if unfinished:
        found.append(f"{unfinished} participants completed with trials that have no answer.")
    consents = people.annotate(consents=Count("events", filter=Q(events__kind=EventKind.CONSENTED)))
    wrong = consents.exclude(state=ParticipantState.WITHDRAWN).exclude(consents=1).count()
    if wrong:
        found.append(f"{wrong} participants do not have exactly one event of consent.")
    return found


def _slots(study: Study, ledger: Ledger) -> list[str]:
    slots = Slot.objects.filter(study=study)
    found = []
    if slots.exclude(state=SlotState.COMPLETED).exists():
        found.append("Some slots are not completed, although everybody went on to the end.")
    holders = [slot.holder_id for slot in slots if slot.holder_id]
    if len(set(holders)) != len(holders) or len(holders) != len(ledger.completed):
        found.append(f"{len(holders)} slots are held by {len(set(holders))} people; {len(ledger.completed)} completed.")
    strangers = slots.exclude(holder=None).exclude(holder__slot_number=F("number")).count()
    if strangers:
        found.append(f"{strangers} people hold a slot whose stimuli they did not see.")
    difference = imbalance(study)
    if difference > 1:
        found.append(f"Cells differ by {difference} trials.")
    return found


def _orphans(study: Study) -> list[str]:
    found = []
    gone = Participant.objects.filter(study=study, state=ParticipantState.WITHDRAWN)
    for model in (Trial, ExternalIdentity):
        left = model._default_manager.filter(participant__in=gone).count()
        if left:
            found.append(f"{left} rows of {model.__name__} belong to people who withdrew.")
    if Event.objects.filter(participant__in=gone).exclude(kind=EventKind.WITHDRAWN).exists():
        found.append("Events of people who withdrew are left.")
    full = Participant.objects.filter(study=study, state=ParticipantState.OVER_QUOTA)
    if Trial.objects.filter(participant__in=full).exists():
        found.append("People without a slot have trials.")
    uneven = (
        Participant.objects.filter(study=study)
        .exclude(state=ParticipantState.WITHDRAWN)
        .annotate(number=Count("trials"))
        .exclude(number=F("trials_planned"))
        .count()
    )
    if uneven:
        found.append(f"{uneven} participants have more or fewer trials than were planned for them.")
    return found


def _totals(study: Study) -> list[str]:
    """Compare the running totals, all answers counted, with a fresh count."""
    later = timezone.now() + timedelta(hours=1)
    tally, complete = update_tally(study, now=later)
    while not complete:
        tally, complete = update_tally(study, now=later)
    fresh = empty_totals()
    count(fresh, counted(Answer.objects.filter(trial__participant__study=study, trial__phase=Phase.MAIN)))
    keys = ("answers", "cells", "hours", "times")
    differing = [key for key in keys if tally.totals[key] != fresh[key]]
    named = {stimulus: names for stimulus, names in tally.totals["stimuli"].items() if names}
    if named != fresh["stimuli"]:
        differing.append("stimuli")
    return [f"The running totals differ from a recount in {', '.join(differing)}."] if differing else []


def _database() -> list[str]:
    if connection.vendor != "sqlite":
        return []
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        integrity = [row[0] for row in cursor.fetchall()]
        cursor.execute("PRAGMA foreign_key_check")
        dangling = cursor.fetchall()
    found = [] if integrity == ["ok"] else [f"SQLite's integrity check says {integrity[:3]}."]
    return [*found, *([f"{len(dangling)} rows point to rows that are gone."] if dangling else [])]
