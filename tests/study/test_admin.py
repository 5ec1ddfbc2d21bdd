import io
import zipfile

import pytest
from django.urls import reverse

from study.models import Answer, Participant, ParticipantState, Study, StudyState

pytestmark = pytest.mark.django_db

PAGES = ("study", "condition", "importedrun", "slot", "stimulus", "participant", "event", "answer")


@pytest.fixture
def answered(study, visitor):
    visitor.enter(study)
    visitor.practise()
    visitor.answer(text="tail feathers")
    Participant.objects.update(simulated=True)
    return study


@pytest.mark.parametrize("model", PAGES)
def test_lists_and_rows_open(answered, admin_client, model):
    page = admin_client.get(reverse(f"admin:study_{model}_changelist"))
    assert page.status_code == 200
    rows = page.context["cl"].queryset
    assert rows.exists()
    row = admin_client.get(reverse(f"admin:study_{model}_change", args=[rows.first().pk]))
    assert row.status_code == 200


@pytest.mark.parametrize("model", ["study", "participant", "answer"])
def test_simulated_data_is_badged(answered, admin_client, model):
    assert "simulated" in admin_client.get(reverse(f"admin:study_{model}_changelist")).content.decode().lower()


def test_tokens_and_identifiers_are_not_shown(answered, admin_client):
    participant = Participant.objects.get()
    for name, arguments in (("changelist", []), ("change", [participant.pk])):
        page = admin_client.get(reverse(f"admin:study_participant_{name}", args=arguments)).content.decode()
        assert participant.token not in page
        assert participant.pseudonym in page


def test_answers_can_be_found_and_filtered(answered, admin_client):
    path = reverse("admin:study_answer_changelist")
    assert admin_client.get(path, {"q": "feathers"}).context["cl"].result_count == 1
    found = admin_client.get(path, {"trial__stimulus__condition__network__exact": "small"}).context["cl"].queryset
    assert {answer.trial.stimulus.condition.network for answer in found} <= {"small"}


def test_answers_cannot_be_changed_or_deleted(answered, admin_client):
    answer = Answer.objects.first()
    assert admin_client.get(reverse("admin:study_answer_add")).status_code == 403
    assert admin_client.post(reverse("admin:study_answer_delete", args=[answer.pk]), {"post": "yes"}).status_code == 403
    admin_client.post(reverse("admin:study_answer_change", args=[answer.pk]), {"text": "other"})
    assert Answer.objects.get(pk=answer.pk).text == answer.text


def test_the_export_downloads_as_one_file(answered, admin_client):
    response = admin_client.get(reverse("admin:study_study_export", args=[answered.pk]))
    names = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))).namelist()
    assert {"birds/responses_long.csv", "birds/codebook.json", "birds/dataset_description.json"} <= set(names)
    response.close()


def test_the_export_is_for_those_who_may_see_the_study(answered, client, django_user_model):
    path = reverse("admin:study_study_export", args=[answered.pk])
    assert client.get(path).status_code == 302
    client.force_login(django_user_model.objects.create_user("guest", password="x", is_staff=True))
    assert client.get(path).status_code == 404  # as if there were no such study


def test_studies_are_launched_and_paused_through_the_services(draft, study, admin_client):
    path = reverse("admin:study_study_changelist")
    admin_client.post(path, {"action": "pause_selected", "_selected_action": [study.pk]})
    assert Study.objects.get().state == StudyState.PAUSED
    page = admin_client.post(path, {"action": "pause_selected", "_selected_action": [study.pk]}, follow=True)
    assert "only a running study can be paused" in page.content.decode()


def test_a_launched_design_is_frozen_but_its_texts_are_not(study, admin_client):
    path = reverse("admin:study_study_change", args=[study.pk])
    fields = {
        "title": "A better title",
        "minutes": 12,
        "contact": "",
        "texts": "{}",
        "lease_minutes": 30,
        "completion_codes": "{}",
        "recruitment": "{}",
        "blocks": '[{"task": "name", "trials": 99}]',
    }
    assert admin_client.post(path, fields).status_code == 302
    changed = Study.objects.get()
    assert (changed.title, changed.minutes, changed.trials_per_participant) == ("A better title", 12, 8)


def test_a_participant_can_be_withdrawn_on_request(answered, admin_client):
    participant = Participant.objects.get()
    path = reverse("admin:study_participant_changelist")
    admin_client.post(path, {"action": "withdraw_selected", "_selected_action": [participant.pk]})
    participant.refresh_from_db()
    assert participant.state == ParticipantState.WITHDRAWN
    assert not Answer.objects.exists()


def test_a_study_can_be_deleted_with_all_of_it(answered, admin_client):
    path = reverse("admin:study_study_delete", args=[answered.pk])
    assert admin_client.get(path).status_code == 200
    admin_client.post(path, {"post": "yes"})
    assert not Study.objects.exists()


def test_lists_do_not_ask_once_per_row(answered, admin_client, new_visitor, django_assert_max_num_queries):
    for _ in range(3):
        new_visitor().enter(answered)
    for model in ("participant", "stimulus", "answer"):
        with django_assert_max_num_queries(20):
            admin_client.get(reverse(f"admin:study_{model}_changelist"))
