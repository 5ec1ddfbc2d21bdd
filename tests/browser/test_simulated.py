"""Simulated participants of several kinds in a real browser."""

import pytest

from study.browser_visits import BrowserMissingError, BrowserVisits, running_browser
from study.models import Answer, Participant, ParticipantState
from study.simulated_kinds import kinds_named
from study.simulation import simulate

KINDS = "ordinary,bot,drop-out,withdraws,returns-late,double-clicks"


@pytest.fixture
def busy_study(study):
    """Three naming trials after practice, comprehension questions and a questionnaire, for six people."""
    study.blocks[0]["practice"] = ["beak"]
    study.comprehension = True
    study.questionnaires = [{"questionnaire": "demographics", "moment": "before"}]
    study.save()
    return study


def test_every_kind_ends_as_it_should_in_a_browser(chromium, live_server, busy_study):
    kinds = kinds_named(KINDS)
    result = simulate(
        busy_study, participants=len(kinds), seed=3, visits=BrowserVisits(chromium, live_server.url), kinds=kinds
    )
    ends = {kind: ParticipantState(state) for kind, state in result.ends}
    assert ends["drop-out"] is ParticipantState.ACTIVE
    assert ends["withdraws"] is ParticipantState.WITHDRAWN
    assert ends["ordinary"] is ends["returns-late"] is ends["double-clicks"] is ParticipantState.COMPLETED
    assert ends["bot"] in (ParticipantState.SCREENED_OUT, ParticipantState.COMPLETED)
    assert Participant.objects.filter(simulated=False).count() == 0
    # Where JavaScript runs, the page itself measured the times; a double click stored nothing twice.
    times = Answer.objects.filter(trial__participant__state=ParticipantState.COMPLETED).values_list(
        "reaction_time_ms", flat=True
    )
    assert len(times) >= 3 * 3
    assert all(time is None or 0 < time < 60_000 for time in times)
    assert any(time is not None for time in times)


def test_a_missing_browser_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrowserMissingError, match="No Chromium was found"), running_browser():
        pytest.fail("a browser was found in an empty folder")
