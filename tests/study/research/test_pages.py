"""The researchers' pages as somebody uses them."""

import io
import zipfile

import pytest
from django.test import Client
from django.urls import reverse

from study.models import (
    Answer,
    AuditEntry,
    Coder,
    Membership,
    NameCode,
    Participant,
    ParticipantState,
    Role,
    Slot,
    Study,
    StudyState,
    StudyVersion,
    Tally,
)
from study.presets import load_preset
from study.recruitment import Entry
from study.research.charts import band, bars, shade
from study.research.monitoring import heat_map, monitor
from study.services.audit import broken_entries
from study.services.consent import give_consent
from study.services.members import MemberError, remove_member, set_member
from study.services.previews import start_preview
from study.services.runs import import_run
from study.services.studies import StudyError, copy_study, create_study, delete_study, launch_study, save_study
from study.services.withdrawal import withdraw
from study.tallying import empty_totals

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(django_user_model):
    """Who made the study."""
    return django_user_model.objects.create_user("ada", password="x")


@pytest.fixture
def client(ada):
    signed_in = Client()
    signed_in.force_login(ada)
    return signed_in


@pytest.fixture
def own(ada, run_directory):
    """A draft of Ada's with stimuli, two places."""
    study = create_study(load_preset("paper-2018"), slug="birds", owner=ada, participants_planned=2)
    import_run(study, run_directory)
    return study


def settled():
    """Make answers look a minute old: the tally leaves young ones to settle."""
    from datetime import timedelta

    from django.db.models import F

    Answer.objects.update(answered_at=F("answered_at") - timedelta(minutes=1))


def fields_of(page):
    """Return what the browser would send of the design form as it stands."""
    data = {}
    for form in [page.context["form"], page.context["plan_form"], page.context["blocks"].management_form]:
        for field in form:
            value = field.value()
            if value is True:
                data[field.html_name] = "on"
            elif value is not None and value is not False:
                data[field.html_name] = value
    for block in page.context["blocks"]:
        for field in block:
            if field.value() is not None:
                data[field.html_name] = field.value()
    return data


def test_from_an_empty_database_to_a_launched_study_in_the_browser(client, ada, run_directory):
    """New study, stimuli, preview, launch: what docs/study.md counts as clicks."""
    from django.contrib.auth.models import Permission

    assert client.get("/research/new/").status_code == 403
    ada.user_permissions.add(Permission.objects.get(codename="add_study"))
    page = client.post(
        "/research/new/", {"preset": "paper-2018", "title": "Dogs", "slug": "dogs", "contact": "ada@example.org"}
    )
    assert page["Location"] == "/research/s/dogs/design/"
    study = Study.objects.get(slug="dogs")
    assert study.memberships.get().role == Role.ADMINISTRATOR
    launch = reverse("research:launch", args=["dogs"])
    assert "no plan yet" in client.post(launch, {"action": "launch"}, follow=True).content.decode()
    import_run(study, run_directory)
    assert client.post(launch, {"action": "launch"}, follow=True).context["study"].state == StudyState.RUNNING
    actions = list(AuditEntry.objects.filter(study="dogs").order_by("pk").values_list("actor", "action"))
    assert actions[0] == ("ada", "create study") and actions[-1] == ("ada", "launch study")


def test_the_new_link_must_be_free(client, ada, own):
    ada.is_superuser = True
    ada.save()
    page = client.post("/research/new/", {"preset": "paper-2018", "title": "x", "slug": "Birds", "contact": "a@b.org"})
    assert "a study with this link already" in page.content.decode()


def test_a_draft_changes_and_its_plan_is_drawn_anew(client, own):
    path = reverse("research:design", args=["birds"])
    start_preview(own)
    data = fields_of(client.get(path)) | {"participants_planned": 5, "text_researcher": "Ada", "code_completed": "C0DE"}
    answer = client.post(path, data)
    assert answer.status_code == 302, (answer.context["form"].errors, answer.context["plan_form"].errors)
    own.refresh_from_db()
    assert (own.participants_planned, own.slots.count(), own.version) == (5, 5, 1)
    assert (own.texts["researcher"], own.completion_codes["completed"]) == ("Ada", "C0DE")
    assert not StudyVersion.objects.exists()
    entry = AuditEntry.objects.filter(action="change study").first()
    assert entry.changes["participants_planned"] == [2, 5]


def test_what_is_wrong_is_said_before_saving_and_when_saving(client, own):
    path = reverse("research:design", args=["birds"])
    data = fields_of(client.get(path))
    wrong = data | {"block-0-trials": 900, "plan-use_too-fast": "on", "plan-bound_too-fast": ""}
    checked = client.post(reverse("research:design-check", args=["birds"]), wrong).content.decode()
    assert "less than or equal to 500" in checked and "Give the number that this rule needs" in checked
    assert client.post(path, wrong).status_code == 422
    unknown = data | {"block-0-practice": "beak, nose"}
    assert "has no practice item" in client.post(path, unknown).content.decode()
    none = data | {"block-0-task": ""}
    assert "at least one block" in client.post(path, none).content.decode()
    fine = client.post(reverse("research:design-check", args=["birds"]), data).content.decode()
    assert "The design is valid" in fine and "planned minutes" in fine


def test_launching_freezes_version_one_and_the_analysis_plan(own):
    own.analysis_plan = {"exclusions": [], "confirmatory": ["nameability"], "name_level": "l2", "alpha": 0.05}
    save_study(own)
    launch_study(own, actor="ada")
    own.refresh_from_db()
    version = own.versions.get()
    assert (version.number, version.author, own.analysis_plan_frozen_at) == (1, "ada", own.launched_at)
    assert version.design["stimuli"] == 16 and len(version.design["plan_sha256"]) == 64
    own.analysis_plan = own.analysis_plan | {"alpha": 0.1}
    with pytest.raises(StudyError, match="was frozen at launch"):
        save_study(own)


def test_a_change_after_launch_is_a_new_version_that_newcomers_carry(own):
    launch_study(own)
    own.refresh_from_db()
    first = give_consent(own, Entry(source="open"), nonce="nonce-number-1")
    own.texts = {"researcher": "Bea"}
    save_study(own, actor="ada", reason="A typing error")
    second = give_consent(own, Entry(source="open"), nonce="nonce-number-2")
    assert (first.study_version, second.study_version) == (1, 2)
    versions = list(own.versions.order_by("number").values_list("number", "reason"))
    assert versions == [(1, ""), (2, "A typing error")]
    assert len(set(own.versions.values_list("sha256", flat=True))) == 2
    own.seed = 99
    with pytest.raises(StudyError, match="seed cannot change any more"):
        save_study(own)
    own.refresh_from_db()
    assert save_study(own).version == 2  # nothing changed, nothing new


def test_a_copy_is_an_open_draft(own):
    launch_study(own)
    copy = copy_study(own, slug="birds-2")
    assert (copy.state, copy.version, copy.launched_at, copy.slots.count()) == (StudyState.DRAFT, 1, None, 0)
    assert copy.blocks == own.blocks and copy.memberships.get().role == Role.ADMINISTRATOR
    with pytest.raises(StudyError, match="already"):
        copy_study(own, slug="birds-2")


def test_a_preview_takes_no_slot_and_counts_nowhere(client, own):
    launch_study(own)
    answer = client.post(reverse("research:preview", args=["birds"]), {"slot": 2})
    tester = Participant.objects.get()
    assert answer["Location"] == tester.get_absolute_url()
    assert (tester.state, tester.slot_number) == (ParticipantState.TEST, 2)
    assert not Slot.objects.exclude(state="free").exists()
    assert tester.trials.filter(phase="main").count() == len(Slot.objects.get(number=2).stimuli)
    assert monitor(own).funnel[0].number == 0
    page = client.post(reverse("research:preview", args=["birds"]), {"slot": 77})
    assert "no slot 77" in page.content.decode()


def test_the_monitor_counts_and_forgets(client, own, take_part):
    launch_study(own)
    one, two = take_part(own, 1, ["beak"]), take_part(own, 2, ["beak", "bill", ""])
    settled()
    shown = monitor(own)
    main = Answer.objects.filter(trial__phase="main").count()
    assert (shown.completed, shown.answers, shown.complete) == (2, main, True)
    assert shown.agreement is not None and shown.heat_map.spread >= 0
    assert [person.pseudonym for person in shown.flagged] == [one.pseudonym]
    assert sum(cell.answers for _key, row in shown.heat_map.rows for cell in row if cell.answers) == main
    withdraw(one)
    after = monitor(own)
    assert after.answers == Answer.objects.filter(trial__phase="main").count() == main // 2
    totals = Tally.objects.get().totals
    assert list(totals["people"]) == [str(two.pk)]
    withdraw(two)
    totals = Tally.objects.get().totals
    empty = empty_totals()
    assert {name: totals[name] for name in ("answers", "cells", "hours", "people")} == {
        name: empty[name] for name in ("answers", "cells", "hours", "people")
    }
    page = client.get(reverse("research:monitor", args=["birds"]))
    assert page.status_code == 200


def test_the_monitor_asks_a_fixed_number_of_queries(client, own, django_assert_max_num_queries, take_part):
    launch_study(own)
    take_part(own, 1, ["beak"])
    settled()
    path = reverse("research:monitor-panels", args=["birds"])
    client.get(path)
    take_part(own, 2, ["bill"])
    with django_assert_max_num_queries(18):
        assert client.get(path).status_code == 200


def test_the_heat_map_compares_within_task_and_arm():
    cells = {"name | n | a | m | summaries": 10, "name | n | b | m | summaries": 20, "name | n | a | m | random": 5}
    found = heat_map(cells)
    assert found.classes == ("a", "b") and found.spread == 10
    assert [(cell.answers, cell.shade) for cell in found.rows[1][1]] == [(10, -2), (20, 2)]
    assert found.rows[0][1][1].answers is None


def test_drawings_by_hand():
    assert [shade(value, 100) for value in (60, 80, 90, 97, 108, 130, 200)] == [-3, -2, -1, 0, 1, 2, 3]
    assert [(bar.height, bar.y) for bar in bars([("a", 1), ("b", 4)], height=100)] == [(25.0, 75.0), (100.0, 0.0)]
    drawn = band([[10, 0.5, 0.4, 0.6], [20, 0.75, 0.7, 0.8]], width=100, height=100)
    assert drawn.line == "50.0,50.0 100.0,25.0"
    assert drawn.area == "50.0,40.0 100.0,20.0 100.0,30.0 50.0,60.0"
    assert band([[10, 0.5, 0.4, 0.6]]) is None


def test_the_explorer_leads_from_class_to_image_with_every_hash(client, own):
    stimulus = own.stimuli.get(identifier="small-robin-summaries-0")
    page = client.get(reverse("research:stimuli", args=["birds"])).content.decode()
    assert reverse("research:class", args=["birds", "robin"]) in page
    page = client.get(reverse("research:class", args=["birds", "robin"])).content.decode()
    assert reverse("research:summary", args=["birds", stimulus.identifier]) in page
    page = client.get(reverse("research:summary", args=["birds", stimulus.identifier])).content.decode()
    assert stimulus.run.digest in page and stimulus.grid.sha256 in page and "0.9" in page
    page = client.get(reverse("research:region", args=["birds", stimulus.identifier, 2])).content.decode()
    assert stimulus.cells[1].sha256 in page and "1" * 64 in page
    assert 'x="10.00" y="10.00" width="40.00" height="40.00"' in page
    assert client.get(reverse("research:region", args=["birds", stimulus.identifier, 4])).status_code == 404


def test_the_explorer_marks_words_that_a_program_suggests(client, own):
    stimulus = own.stimuli.get(identifier="small-robin-summaries-0")
    page = reverse("research:summary", args=["birds", stimulus.identifier])
    assert "Words that a program suggests" not in client.get(page).content.decode()
    record = next(one for one in stimulus.run.manifest["summaries"] if one["id"] == stimulus.identifier)
    record["tags"] = [{"word": "bill <of a bird>", "score": 0.8125, "tagger": "nearest-category"}]
    stimulus.run.save()
    shown = client.get(page).content.decode()
    assert "Words that a program suggests" in shown and "No participant said them" in shown
    assert "bill &lt;of a bird&gt;</dt><dd>0.81 (nearest-category)" in shown


def test_the_data_page_sends_what_it_offers(client, own, take_part):
    launch_study(own)
    own.analysis_plan = {"exclusions": [{"rule": "incomplete"}, {"rule": "too-fast", "minimum": 500}]}
    Study.objects.filter(pk=own.pk).update(analysis_plan=own.analysis_plan)
    take_part(own, 1, ["beak"])
    give_consent(own, Entry(source="open"), nonce="nonce-number-9")
    page = client.get(reverse("research:data", args=["birds"]))
    assert [(rule.rule, rule.number, rule.left) for rule in page.context["exclusions"]] == [
        ("incomplete", 1, 1),
        ("too-fast", None, 1),
    ]
    sent = client.get(reverse("research:export", args=["birds"]), {"format": ["wide"]})
    with zipfile.ZipFile(io.BytesIO(b"".join(sent.streaming_content))) as archive:
        names = set(archive.namelist())
    assert {"birds/responses_long.csv", "birds/responses_wide.csv", "birds/study.json"} <= names
    assert "birds/responses_long.jsonl" not in names
    table = client.get(reverse("research:export-table", args=["birds", "participants"]))
    assert len(b"".join(table.streaming_content).splitlines()) == 3
    refused = client.get(reverse("research:export", args=["birds"]), {"profile": "public"}, follow=True)
    assert "needs at least 5 participants" in refused.content.decode()
    assert AuditEntry.objects.filter(action="export study").count() == 2


def test_two_coders_are_blind_and_then_agree(client, own, ada, django_user_model, take_part):
    launch_study(own)
    take_part(own, 1, ["beak", "bill"])
    take_part(own, 2, ["wing", "???"])
    other = django_user_model.objects.create_user("bea", password="x")
    set_member(own, other, Role.CODER)
    second = Client()
    second.force_login(other)
    path = reverse("research:code-class", args=["birds", "robin"])
    page = client.get(path)
    names = [name for name, _code, _done in page.context["rows"]]
    assert names == ["???", "beak", "bill", "wing"]
    client.post(path, {"none-1": "on", "code-2": "Beak", "code-3": "beak", "code-4": "wing"})
    page = second.get(path)
    assert "Beak" not in page.content.decode() and [code for _n, code, _d in page.context["rows"]] == [None] * 4
    assert page.context["coder"] == Coder.SECOND
    agreement = reverse("research:resolve-names", args=["birds"])
    assert client.get(agreement).status_code == 302  # she codes herself, and the other has not finished
    assert second.get(agreement).status_code == 403
    second.post(path, {"none-1": "on", "code-2": "beak", "code-3": "bill", "code-4": "wing"})
    found = client.get(agreement).context
    assert (found["agreement"].agreed, found["both"]) == (3, 4)
    assert found["agreement"].kappa == pytest.approx((0.75 - 0.25) / 0.75, abs=0.1)
    assert [(row["name"], row["first"], row["second"]) for row in found["differing"]] == [("bill", "beak", "bill")]
    client.post(agreement, {"choice-1": "first"})
    consensus = dict(NameCode.objects.filter(coder=Coder.CONSENSUS).values_list("name", "code"))
    assert consensus == {"???": "", "beak": "beak", "bill": "beak", "wing": "wing"}
    third = django_user_model.objects.create_user("cleo", password="x")
    set_member(own, third, Role.CODER)
    late = Client()
    late.force_login(third)
    assert "exactly two" in late.get(path, follow=True).content.decode()
    assert Membership.objects.get(user=third).coder_seat is None


def test_a_study_keeps_an_administrator(client, own, ada, django_user_model):
    people = reverse("research:people", args=["birds"])
    bea = django_user_model.objects.create_user("bea", password="x")
    client.post(people, {"username": "bea", "role": "analyst"})
    assert own.memberships.get(user=bea).role == Role.ANALYST
    with pytest.raises(MemberError, match="needs an administrator"):
        remove_member(own, ada)
    with pytest.raises(MemberError, match="needs an administrator"):
        set_member(own, ada, Role.CODER)
    client.post(people, {"username": "bea", "role": "administrator"})
    client.post(people, {"username": "ada", "remove": "1"})
    assert [member.user.username for member in own.memberships.all()] == ["bea"]
    assert client.get(people).status_code == 404


def test_unknown_accounts_are_named(client, own):
    page = client.post(reverse("research:people", args=["birds"]), {"username": "nobody", "role": "analyst"})
    assert page.status_code == 422 and "no account" in page.content.decode()


def test_the_audit_log_outlives_its_study_and_shows_what_was_tampered_with(own):
    from django.db import connection

    delete_study(own, actor="ada")
    assert AuditEntry.objects.filter(study="birds", action="delete study").exists()
    assert not list(broken_entries())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE study_auditentry SET actor = 'somebody else' WHERE action = 'create study'")
    assert [entry.action for entry in broken_entries()] == ["create study"]


def test_audit_entries_are_only_ever_added(own):
    from study.models import AppendOnlyError

    entry = AuditEntry.objects.first()
    for change in (entry.save, entry.delete, AuditEntry.objects.all().delete):
        with pytest.raises(AppendOnlyError):
            change()
    with pytest.raises(AppendOnlyError):
        AuditEntry.objects.update(actor="x")


def test_history_shows_versions_and_what_changed(client, own):
    launch_study(own, actor="ada")
    own.refresh_from_db()
    own.minutes = 42
    save_study(own, actor="ada", reason="Pilot")
    page = client.get(reverse("research:history", args=["birds"])).content.decode()
    assert "Pilot" in page and "launch study" in page
    page = client.get(reverse("research:version", args=["birds", 2]))
    assert page.context["changes"] == {"minutes": [10, 42]}


def test_home_shows_only_one_s_own_studies(client, own, db):
    create_study(load_preset("paper-2018"), slug="others")
    page = client.get("/research/")
    assert [card.study.slug for card in page.context["cards"]] == ["birds"]
    assert "of 2 complete" in page.content.decode()
