import secrets
from datetime import timedelta

import pytest
from django.utils import timezone

from study.models import ExternalIdentity, Participant, ParticipantState, Slot, SlotState, Study, StudyState
from study.recruitment import Entry
from study.services.consent import StudyNotOpenError, give_consent
from study.services.studies import close_study, pause_study

pytestmark = pytest.mark.django_db


def consent(study):
    return give_consent(study, Entry(source="open"), nonce=secrets.token_urlsafe(16))


def test_slots_are_claimed_from_the_front(study):
    assert [consent(study).slot.number for _ in range(3)] == [1, 2, 3]


def test_a_slot_that_comes_back_goes_first(study):
    first, second = consent(study), consent(study)
    Slot.objects.filter(holder=first).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    third = consent(study)
    assert third.slot.number == 1
    assert third.slot.trials == Slot.objects.get(study=study, number=1).trials
    assert Slot.objects.get(holder=second).number == 2


def test_the_loser_of_a_slot_is_timed_out(study, django_capture_on_commit_callbacks):
    first = consent(study)
    Slot.objects.filter(holder=first).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    with django_capture_on_commit_callbacks(execute=True):
        consent(study)
    first.refresh_from_db()
    assert first.state == ParticipantState.TIMED_OUT
    assert first.timed_out_at is not None


def test_a_full_study_says_so_and_creates_no_trials(study, visitor):
    for _ in range(study.participants_planned):
        consent(study)
    page = visitor.enter(study)
    assert "study/ended.html" in [template.name for template in page.templates]
    assert "full" in page.context["title"]
    participant = visitor.participant
    assert participant.state == ParticipantState.OVER_QUOTA
    assert (participant.trials.count(), participant.trials_planned, participant.slot_number) == (0, 0, None)


def test_completed_and_active_count_but_starters_who_left_do_not(study):
    """Six places: five hold, one has left; exactly one more gets in."""
    people = [consent(study) for _ in range(6)]
    Slot.objects.filter(holder=people[3]).update(lease_expires_at=timezone.now() - timedelta(minutes=1))
    assert consent(study).state == ParticipantState.CONSENTED
    assert consent(study).state == ParticipantState.OVER_QUOTA


def test_the_same_form_sent_twice_makes_one_participant(study, visitor):
    visitor.open(study.get_absolute_url())
    form = visitor.form(study.get_absolute_url())
    first = visitor.client.post(form.action, form.fields)
    second = visitor.client.post(form.action, form.fields)
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    assert Participant.objects.count() == 1
    assert Slot.objects.filter(state=SlotState.CLAIMED).count() == 1


def test_the_same_prolific_participant_comes_back_to_the_same_place(study, new_visitor):
    first, second = new_visitor(), new_visitor()
    query = "?PROLIFIC_PID=abc123&STUDY_ID=s1&SESSION_ID=x1"
    first.enter(study, query)
    second.enter(study, query)
    assert first.participant == second.participant
    identity = ExternalIdentity.objects.get()
    assert (identity.subject, identity.details) == ("abc123", {"study": "s1", "session": "x1"})
    assert identity.raw_query == query[1:]


@pytest.mark.parametrize("change", [pause_study, close_study])
def test_a_study_that_is_not_running_takes_nobody_but_lets_those_inside_finish(study, visitor, new_visitor, change):
    visitor.enter(study)
    visitor.practise()
    change(study)
    with pytest.raises(StudyNotOpenError):
        consent(Study.objects.get())
    late = new_visitor().open(study.get_absolute_url())
    assert late.status_code == 403
    visitor.finish()
    assert visitor.participant.state == ParticipantState.COMPLETED


def test_a_study_paused_while_somebody_reads_the_consent_page(study, visitor):
    visitor.open(study.get_absolute_url())
    form = visitor.form(study.get_absolute_url())
    pause_study(study)
    assert visitor.send(form).status_code == 403
    assert Participant.objects.count() == 0


def test_a_draft_is_not_found(draft, client):
    assert draft.state == StudyState.DRAFT
    assert client.get(draft.get_absolute_url()).status_code == 404


def test_a_prolific_link_with_its_placeholder_is_refused(study, client):
    page = client.get(study.get_absolute_url() + "?PROLIFIC_PID={{%PROLIFIC_PID%}}")
    assert page.status_code == 400
    assert "placeholder" in page.context["text"]
