"""Every end: its state, its time stamp, its slot, its code. And no rejection."""

import secrets

import pytest

from study.models import Answer, Event, EventKind, ExternalIdentity, ParticipantState, Phase, Slot, SlotState, Trial
from study.recruitment import Entry
from study.recruitment.preview import preview_path
from study.services.completion import mark_returned, mark_timed_out
from study.services.consent import StudyNotOpenError, give_consent

pytestmark = pytest.mark.django_db


def consent(study, **entry):
    return give_consent(study, Entry(**{"source": "open"} | entry), nonce=secrets.token_urlsafe(16))


@pytest.fixture
def checked_study(study):
    """A study that allows no failed attention check and has codes for both ends."""
    study.failed_checks_allowed = 0
    study.completion_codes = {"completed": "GOOD", "failed_checks": "ALSO-FINE"}
    study.save()
    return study


def make_failed_check(participant):
    """Turn the participant's first answered trial that counts into an attention check answered wrongly."""
    trial = Trial.objects.filter(participant=participant, phase=Phase.MAIN, answer__isnull=False).first()
    Trial.objects.filter(pk=trial.pk).update(phase=Phase.ATTENTION)
    Answer.objects.filter(trial=trial).update(correct=False)


def test_failed_checks_end_with_thanks_and_a_code_of_their_own(checked_study, visitor):
    visitor.enter(checked_study)
    visitor.practise()
    visitor.answer()
    make_failed_check(visitor.participant)
    visitor.finish()
    participant = visitor.participant
    assert participant.state == ParticipantState.FAILED_CHECKS
    assert participant.failed_checks_at == participant.completed_at
    assert participant.events.get(kind=EventKind.FAILED_CHECKS).detail == {"failed_checks": 1}
    assert Slot.objects.filter(state=SlotState.FREE, number=participant.slot_number).exists()
    assert Answer.objects.filter(trial__participant=participant).count() == participant.trials_planned
    page = visitor.page.content.decode()
    assert "ALSO-FINE" in page
    assert "All your answers are saved" in page


def test_as_many_failed_checks_as_the_study_allows_do_not_matter(checked_study, visitor):
    checked_study.failed_checks_allowed = 1
    checked_study.save()
    visitor.enter(checked_study)
    visitor.practise()
    visitor.answer()
    make_failed_check(visitor.participant)
    visitor.finish()
    assert visitor.participant.state == ParticipantState.COMPLETED
    assert "GOOD" in visitor.page.content.decode()


def test_returned_gives_the_slot_back_and_shows_a_page_of_its_own(study, visitor):
    visitor.enter(study, "?PROLIFIC_PID=p1")
    visitor.practise()
    participant, form = visitor.participant, visitor.form("/answer/")
    assert [mark_returned(participant), mark_returned(participant)] == [True, False]
    participant.refresh_from_db()
    assert (participant.state, participant.returned_at is not None) == (ParticipantState.RETURNED, True)
    assert Slot.objects.get(number=1).state == SlotState.FREE
    page = visitor.open(participant.get_absolute_url())
    assert "You have given this study back" in page.content.decode()
    assert visitor.client.post(form.action, {"text": "beak", "confidence": "3"}).status_code == 409


def test_somebody_who_finished_and_returned_stays_finished(study, visitor):
    visitor.enter(study)
    visitor.practise()
    visitor.finish()
    assert mark_returned(visitor.participant)
    participant = visitor.participant
    assert (participant.state, participant.returned_at is not None) == (ParticipantState.COMPLETED, True)
    assert participant.slot.state == SlotState.COMPLETED


def test_timed_out_at_the_recruiter_gives_the_slot_back_but_lets_people_return(study):
    participant = consent(study)
    assert [mark_timed_out(participant), mark_timed_out(participant)] == [True, False]
    participant.refresh_from_db()
    assert participant.state == ParticipantState.TIMED_OUT
    assert Slot.objects.get(number=1).state == SlotState.FREE


def test_over_quota_gets_in_later_when_a_place_becomes_free(study):
    people = [consent(study) for _ in range(study.participants_planned)]
    late = consent(study, source="prolific", subject="p1")
    assert (late.state, late.trials.count()) == (ParticipantState.OVER_QUOTA, 0)
    mark_returned(people[3])
    again = consent(study, source="prolific", subject="p1")
    assert (again.pk, again.state, again.slot.number) == (late.pk, ParticipantState.CONSENTED, 4)
    assert again.over_quota_at is not None
    assert again.trials.count() == again.trials_planned > 0


def test_a_hit_taken_up_again_goes_back_under_its_new_assignment(study):
    first = consent(study, source="mturk", subject="W1", details={"assignment": "A1"}, raw_query="first")
    second = consent(study, source="mturk", subject="W1", details={"assignment": "A2"}, raw_query="second")
    assert first == second
    identity = ExternalIdentity.objects.get()
    assert (identity.details, identity.raw_query) == ({"assignment": "A2"}, "second")


def test_a_preview_walks_through_everything_and_counts_nowhere(study, visitor):
    visitor.open(preview_path(study))
    visitor.send(visitor.form(study.get_absolute_url()))
    assert "This is a preview" in visitor.page.content.decode()
    visitor.practise()
    visitor.finish()
    participant = visitor.participant
    assert "study/debrief.html" in [template.name for template in visitor.page.templates]
    assert (participant.state, participant.completed_at is not None) == (ParticipantState.TEST, True)
    assert Slot.objects.exclude(state=SlotState.FREE).count() == 0


def test_a_draft_can_be_previewed_once_it_has_a_plan(draft, run_directory, client):
    from study.services.runs import import_run

    with pytest.raises(StudyNotOpenError, match="no plan"):
        consent(draft, source="preview", test=True)
    import_run(draft, run_directory)
    assert client.get(preview_path(draft)).status_code == 200
    assert consent(draft, source="preview", test=True).state == ParticipantState.TEST
    assert client.get(draft.get_absolute_url()).status_code == 404


def test_a_recruiters_preview_creates_nothing(study, client):
    url = f"{study.get_absolute_url()}?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE&hitId=H1"
    page = client.get(url).content.decode()
    assert "This is a preview" in page
    assert "I agree, start" not in page
    assert client.post(url).status_code == 403
    assert not Event.objects.exists()
