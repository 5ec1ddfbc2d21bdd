"""A participant's way through the real views and templates, without JavaScript."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from study.models import (
    Answer,
    AnswerKind,
    Event,
    EventKind,
    Participant,
    ParticipantState,
    Phase,
    Slot,
    SlotState,
    Study,
    Trial,
)

pytestmark = pytest.mark.django_db


def templates(page):
    return [template.name for template in page.templates]


def test_from_consent_to_debrief(study, visitor):
    visitor.enter(study)
    assert "study/instructions.html" in templates(visitor.page)
    assert len(visitor.page.context["example_pictures"]) == 6

    visitor.go_on()
    assert visitor.page.context["practice"]
    assert visitor.page.context["class_name"] == "bird"
    visitor.answer(text="The beak", confidence="5")
    assert "study/practice_feedback.html" in templates(visitor.page)
    assert visitor.page.context["practice_item"].correct
    visitor.go_on()
    visitor.answer(text="wing")
    assert not visitor.page.context["practice_item"].correct  # the right answer was “No common part”
    visitor.go_on()

    assert not visitor.page.context["practice"]
    assert (visitor.page.context["progress"].done, visitor.page.context["progress"].total) == (0, 8)
    assert len(visitor.page.context["pictures"]) == 3
    assert len(visitor.page.context["next_pictures"]) == 6
    visitor.answer(text="", no_common_part="1", confidence="2")
    assert visitor.page.context["progress"].percent == 12
    visitor.finish()

    assert "study/debrief.html" in templates(visitor.page)
    assert visitor.page.context["completion_code"] == study.completion_codes["completed"]
    assert visitor.page.context["way_back"] is None
    participant = visitor.participant
    assert participant.state == ParticipantState.COMPLETED
    assert participant.slot.state == SlotState.COMPLETED
    answers = Answer.objects.filter(trial__participant=participant).order_by("trial__position")
    assert [answer.trial.phase for answer in answers] == [Phase.PRACTICE] * 2 + [Phase.MAIN] * 8
    assert answers[2].kind == AnswerKind.NO_COMMON_PART
    assert [answer.correct for answer in answers] == [True, False] + [None] * 8


def test_trials_follow_the_slot(study, visitor):
    visitor.enter(study)
    slot = visitor.participant.slot
    shown = visitor.participant.trials.filter(phase=Phase.MAIN).order_by("position")
    assert [trial.stimulus.identifier for trial in shown] == slot.stimuli


def test_opening_links_creates_nothing(study, client):
    for path in ("/", study.get_absolute_url(), f"{study.get_absolute_url()}?PROLIFIC_PID=abc&SESSION_ID=1"):
        assert client.get(path).status_code == 200
        assert client.head(path).status_code == 200
    assert Participant.objects.count() == 0
    assert Slot.objects.exclude(state=SlotState.FREE).count() == 0


def test_reload_shows_the_same_trial_and_is_counted(study, visitor):
    visitor.enter(study)
    visitor.practise()
    trial = visitor.page.context["trial"]
    address = visitor.participant.get_absolute_url()
    visitor.open(address)
    visitor.client.head(address)  # shows nothing to anybody, so it does not count
    visitor.open(address)
    assert visitor.page.context["trial"] == trial
    visitor.answer()
    trial.refresh_from_db()
    assert trial.reloads == 2


def test_sending_an_answer_twice_keeps_the_first(study, visitor):
    visitor.enter(study)
    visitor.practise()
    trial, form = visitor.page.context["trial"], visitor.form("/answer/")
    visitor.send(form, text="beak", confidence="4")
    following = visitor.page.context["trial"]
    before = Answer.objects.values().get(trial=trial)

    visitor.send(form, text="something else", confidence="1")

    assert Answer.objects.values().get(trial=trial) == before
    assert visitor.page.context["trial"] == following
    assert Event.objects.filter(participant=visitor.participant, kind=EventKind.REPEATED_ANSWER).count() == 1


def test_going_back_and_answering_an_old_trial_leads_to_the_current_one(study, visitor):
    visitor.enter(study)
    visitor.practise()
    old = visitor.form("/answer/")
    visitor.answer()
    visitor.answer()
    current = visitor.page.context["trial"]
    page = visitor.client.post(old.action, old.fields | {"text": "late", "confidence": "3"})
    assert page.status_code == 303
    visitor.open(page.headers["Location"])
    assert visitor.page.context["trial"] == current


def test_a_trial_cannot_be_answered_before_its_turn(study, visitor):
    visitor.enter(study)
    visitor.practise()
    later = visitor.participant.trials.get(position=7)
    path = f"{visitor.participant.get_absolute_url()}answer/{later.nonce}/"
    page = visitor.client.post(path, {"text": "beak", "confidence": "3"})
    assert page.status_code == 409
    assert not Answer.objects.filter(trial=later).exists()


def test_another_participants_nonce_is_worth_nothing(study, visitor, new_visitor):
    visitor.enter(study)
    visitor.practise()
    other = new_visitor()
    other.enter(study)
    other.practise()
    foreign = visitor.page.context["trial"]
    path = f"{other.participant.get_absolute_url()}answer/{foreign.nonce}/"
    assert other.client.post(path, {"text": "beak", "confidence": "3"}).status_code == 409
    assert not Answer.objects.filter(trial=foreign).exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text": "beak"}, "how sure"),
        ({"confidence": "3"}, "one or two words"),
        ({"text": "   ", "confidence": "3"}, "one or two words"),
        ({"text": "beak", "no_common_part": "1", "confidence": "3"}, "only one"),
        ({"text": "b" * 61, "confidence": "3"}, "at most 60"),
        ({"text": "beak", "confidence": "6"}, "one of the five"),
    ],
)
def test_incomplete_answers_come_back_with_what_was_typed(study, visitor, fields, message):
    visitor.enter(study)
    visitor.practise()
    trial = visitor.page.context["trial"]
    page = visitor.client.post(visitor.form("/answer/").action, fields)
    assert page.status_code == 422
    assert message in " ".join(error for errors in page.context["form"].errors.values() for error in errors)
    assert page.context["form"]["text"].value() == fields.get("text")
    trial.refresh_from_db()
    assert (trial.serves, Answer.objects.filter(trial=trial).exists()) == (1, False)


def test_what_the_browser_measures_is_kept_and_never_in_the_way(study, visitor):
    visitor.enter(study)
    visitor.practise()
    first = visitor.page.context["trial"]
    report = {"input_type": "touch", "viewport_width": 390, "paste_count": 0, "unknown": 1, "blur_ms": [1]}
    visitor.answer(reaction_time_ms="5123.4", client=json.dumps(report))
    second = visitor.page.context["trial"]
    visitor.answer(reaction_time_ms="NaN", client="{not json")
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.answer.reaction_time_ms == 5123.4
    assert first.answer.input_details == {"input_type": "touch", "viewport_width": 390, "paste_count": 0}
    assert first.answer.server_time_ms >= 0
    assert (second.answer.reaction_time_ms, second.answer.input_details) == (None, {})


def test_words_are_stripped_and_composed(study, visitor):
    visitor.enter(study)
    visitor.practise()
    trial = visitor.page.context["trial"]
    visitor.answer(text="  be\u0301ak ")
    trial.refresh_from_db()
    assert trial.answer.text == "b\u00e9ak"


def test_withdrawing_deletes_answers_and_frees_the_place(study, visitor):
    visitor.enter(study, "?PROLIFIC_PID=abc123")
    visitor.practise()
    visitor.answer()
    participant, slot = visitor.participant, visitor.participant.slot
    visitor.open(f"{participant.get_absolute_url()}withdraw/")
    visitor.send(visitor.form("/withdraw/"))

    assert "study/withdrawn.html" in templates(visitor.page)
    participant.refresh_from_db()
    slot.refresh_from_db()
    assert participant.state == ParticipantState.WITHDRAWN
    assert not Trial.objects.filter(participant=participant).exists()
    assert not Answer.objects.exists()
    assert list(participant.events.values_list("kind", flat=True)) == [EventKind.WITHDRAWN]
    assert not hasattr(participant, "external_identity")
    assert (slot.state, slot.holder) == (SlotState.FREE, None)
    visitor.open(participant.get_absolute_url())
    assert "study/withdrawn.html" in templates(visitor.page)


def test_a_completed_participant_may_still_withdraw(study, visitor):
    visitor.enter(study)
    visitor.practise()
    visitor.finish()
    visitor.open(f"{visitor.participant.get_absolute_url()}withdraw/")
    visitor.send(visitor.form("/withdraw/"))
    assert visitor.participant.state == ParticipantState.WITHDRAWN
    assert not Answer.objects.exists()
    assert Slot.objects.filter(state=SlotState.COMPLETED).count() == 0


def test_nothing_is_kept_after_a_withdrawal(study, visitor):
    visitor.enter(study)
    visitor.practise()
    form, address = visitor.form("/answer/"), visitor.participant.get_absolute_url()
    visitor.client.post(f"{address}withdraw/")
    assert visitor.client.post(form.action, {"text": "beak", "confidence": "3"}).status_code == 409
    visitor.client.post(f"{address}events/", '{"kind": "blur"}', content_type="application/json")
    assert not Answer.objects.exists()
    assert not Event.objects.exclude(kind=EventKind.WITHDRAWN).exists()


def test_the_code_is_shown_again_later(study, visitor):
    visitor.enter(study)
    visitor.practise()
    visitor.finish()
    visitor.open(visitor.participant.get_absolute_url())
    assert study.completion_codes["completed"] in visitor.page.content.decode()


def test_pages_are_not_cached_and_not_framed(study, visitor):
    visitor.enter(study)
    for path in ("/", study.get_absolute_url(), visitor.participant.get_absolute_url()):
        headers = visitor.client.get(path).headers
        assert "no-store" in headers["Cache-Control"]
        assert headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "same-origin"


def test_pages_work_without_cookies(study, visitor):
    """Third-party cookies are blocked in frames; the token in the URL is the authority."""
    visitor.client.handler.enforce_csrf_checks = True
    visitor.open(study.get_absolute_url())
    visitor.client.cookies.clear()
    visitor.send(visitor.form(study.get_absolute_url()))
    visitor.client.cookies.clear()
    visitor.go_on()
    visitor.client.cookies.clear()
    visitor.answer()
    assert Answer.objects.count() == 1


def test_unknown_tokens_are_not_found(db, client):
    assert client.get("/p/AAAAAAAAAAAAAAAAAAAAAA/").status_code == 404


def test_a_token_has_128_random_bits(study, visitor, new_visitor):
    tokens = set()
    for person in (visitor, new_visitor()):
        person.enter(study)
        tokens.add(person.participant.token)
    assert len(tokens) == 2
    assert {len(token) for token in tokens} == {22}  # 128 bits at 6 bits per letter


def test_a_late_returner_keeps_a_place_that_nobody_took(study, visitor):
    visitor.enter(study)
    visitor.practise()
    participant = visitor.participant
    Slot.objects.filter(holder=participant).update(lease_expires_at=timezone.now() - timedelta(hours=1))
    visitor.finish()
    participant.refresh_from_db()
    assert (participant.state, participant.timed_out_at) == (ParticipantState.COMPLETED, None)
    assert participant.slot.state == SlotState.COMPLETED


def test_a_late_returner_whose_place_is_taken_finishes_flagged(
    study, visitor, new_visitor, django_capture_on_commit_callbacks
):
    visitor.enter(study)
    visitor.practise()
    late = visitor.participant
    Slot.objects.filter(holder=late).update(lease_expires_at=timezone.now() - timedelta(hours=1))
    with django_capture_on_commit_callbacks(execute=True):
        new_visitor().enter(study)  # the slot that came back is the first to go
    late.refresh_from_db()
    visitor.open(late.get_absolute_url())
    visitor.finish()
    late.refresh_from_db()
    assert late.state == ParticipantState.COMPLETED
    assert late.timed_out_at is not None
    assert not hasattr(late, "slot")
    assert Slot.objects.filter(state=SlotState.COMPLETED).count() == 0


def test_browser_events(study, visitor):
    visitor.enter(study)
    path = f"{visitor.participant.get_absolute_url()}events/"

    def post(body):
        return visitor.client.post(path, body, content_type="application/json").status_code

    assert post('{"kind": "enlarge", "detail": {"picture": 3, "long": "' + "x" * 200 + '"}}') == 204
    assert post('[{"kind": "blur"}, {"kind": "completed"}, {"kind": "made-up"}, 7]') == 204
    assert visitor.client.post(path, {"events": '[{"kind": "focus"}]'}).status_code == 204
    assert post("no json") == 400
    assert post('"text"') == 400
    assert post(json.dumps([{"kind": "blur"}] * 5000)) == 413
    kinds = visitor.participant.events.exclude(kind=EventKind.CONSENTED).values_list("kind", "detail")
    assert sorted(kinds, key=lambda item: item[0]) == [("blur", {}), ("enlarge", {"picture": 3}), ("focus", {})]


def test_pictures_may_be_kept_for_ever(study, visitor):
    visitor.enter(study)
    visitor.practise()
    url = visitor.page.context["pictures"][0].url
    picture = visitor.client.get(url)
    assert picture.headers["Content-Type"] == "image/webp"
    assert picture.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert b"".join(picture.streaming_content)[:4] == b"RIFF"
    picture.close()
    assert visitor.client.get(url, headers={"If-None-Match": picture.headers["ETag"]}).status_code == 304
    assert visitor.client.get(f"/stimuli/{'0' * 64}.webp").status_code == 404
    assert visitor.client.get("/stimuli/../../db.sqlite3").status_code == 404


def test_only_running_studies_are_listed(study, draft, client):
    page = client.get("/")
    assert [item.slug for item in page.context["studies"]] == ["birds"]
    Study.objects.update(state="paused")
    assert list(client.get("/").context["studies"]) == []
