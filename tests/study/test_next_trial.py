"""The next trial in the response to an answer, for pages that ask for it."""

import pytest

from study.models import Answer, Phase, Trial

pytestmark = pytest.mark.django_db

PREFER = {"Prefer": "return=representation"}


@pytest.fixture
def in_trials(study, visitor):
    visitor.enter(study)
    visitor.practise()
    return visitor


def answer(visitor, page=None, **fields):
    """Send the form of a page, or of the one that is open, as a page with scripts does."""
    visitor.page = page or visitor.page
    form = visitor.form("/answer/")
    return visitor.client.post(form.action, {"text": "beak", "confidence": "4"} | fields, headers=PREFER)


def trial_of(response):
    return response.context["trial"]


def test_the_next_trial_comes_with_the_answer(in_trials):
    response = answer(in_trials)
    assert response.status_code == 200
    assert response["Preference-Applied"] == PREFER["Prefer"]
    assert response["Content-Location"] == in_trials.participant.get_absolute_url()
    assert "no-store" in response["Cache-Control"]
    first, second, *_ = in_trials.participant.trials.filter(phase=Phase.MAIN).order_by("position")
    assert first.answer.text == "beak"
    assert trial_of(response) == second
    assert (second.serves, first.serves) == (1, 1)
    assert second.served_at == first.answer.answered_at
    progress = response.context["progress"]
    assert (progress.done, progress.total) == (1, 8)


def test_it_is_what_the_page_itself_shows(in_trials):
    parts = answer(in_trials).content.decode()
    whole = in_trials.client.get(in_trials.participant.get_absolute_url()).content.decode()
    for begin, end in [("<title>", "</title>"), ('<div class="trial', "</form>"), ('id="next-pictures"', "</script>")]:
        assert parts.split(begin)[1].split(end)[0] == whole.split(begin)[1].split(end)[0]
    assert 'src="' not in parts.split("</main>")[1]  # the scripts run already
    assert "<link" not in parts


def test_all_trials_can_be_answered_in_a_row(in_trials):
    participant, page = in_trials.participant, None
    for _ in range(7):
        page = answer(in_trials, page)
        assert page.status_code == 200
    last = answer(in_trials, page)
    assert last.status_code == 303  # what comes next is no trial
    assert last["Location"] == participant.get_absolute_url()
    assert Answer.objects.filter(trial__phase=Phase.MAIN).count() == 8
    assert Trial.objects.exclude(serves=1).filter(phase=Phase.MAIN).count() == 0
    participant.refresh_from_db()
    assert participant.completed_at is not None


def test_after_practice_the_feedback_comes(study, visitor):
    visitor.enter(study)
    visitor.go_on()
    assert answer(visitor).status_code == 303


def test_without_the_preference_the_page_is_opened(in_trials):
    response = in_trials.client.post(in_trials.form("/answer/").action, {"text": "beak", "confidence": "4"})
    assert response.status_code == 303
    assert Trial.objects.filter(phase=Phase.MAIN, serves__gt=0).count() == 1


def test_a_repeat_is_led_to_the_page(in_trials):
    form = in_trials.form("/answer/")
    fields = {"text": "beak", "confidence": "4"}
    assert in_trials.client.post(form.action, fields, headers=PREFER).status_code == 200
    assert in_trials.client.post(form.action, fields, headers=PREFER).status_code == 303
    assert Answer.objects.filter(trial__phase=Phase.MAIN).count() == 1


def test_what_is_missing_is_said_as_ever(in_trials):
    response = answer(in_trials, text="")
    assert response.status_code == 422
    assert "Preference-Applied" not in response


def test_another_task_has_its_own_page(in_trials):
    second = in_trials.participant.trials.filter(phase=Phase.MAIN).order_by("position")[1]
    Trial.objects.filter(pk=second.pk).update(task="coherence")
    assert answer(in_trials).status_code == 303
    second.refresh_from_db()
    assert second.served_at is None


def test_somebody_who_has_withdrawn_gets_no_trial(in_trials):
    form = in_trials.form("/answer/")
    in_trials.client.post(f"{in_trials.participant.get_absolute_url()}withdraw/")
    response = in_trials.client.post(form.action, {"text": "beak", "confidence": "4"}, headers=PREFER)
    assert response.status_code == 409
    assert "/answer/" not in response.content.decode()
