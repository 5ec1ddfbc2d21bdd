"""A whole study from one server to another."""

import hashlib
import io
import json
import shutil
import stat
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client, override_settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from study.models import AuditEntry, Event, Participant, Stimulus, Study, StudyState, Trial
from study.moving import TABLES, MoveError, open_study, write_study
from study.moving.layout import entry_information
from study.moving.tables import LEFT_BEHIND
from study.services.audit import broken_entries
from study.services.moves import store_moved_study
from study.services.studies import delete_study, launch_study
from tests.study.lived_in import PEOPLE, live_in
from tests.study.rich_run import write_rich_run

HISTORY = "tables/audit.jsonl"


@pytest.fixture(scope="session")
def rich_run(tmp_path_factory):
    return write_rich_run(tmp_path_factory.mktemp("rich") / "run")


@pytest.fixture
def lived_in(db, rich_run):
    return live_in(rich_run)


@pytest.fixture(scope="session")
def file_of_study(rich_run, tmp_path_factory, django_db_setup, django_db_blocker):
    """The file of the study, made once for all tests, in a transaction that leaves nothing behind."""
    directory = tmp_path_factory.mktemp("moved")
    with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=directory / "media"), transaction.atomic():
        write_study(live_in(rich_run), directory / "study.zip")
        transaction.set_rollback(True)
    return directory / "study.zip"


@pytest.fixture
def moved_file(file_of_study, tmp_path, db, django_user_model):
    """The file of the study at another server, where both members have accounts."""
    for name in ("anna", "ben"):
        django_user_model.objects.create(username=name)
    return Path(shutil.copy(file_of_study, tmp_path))


def contents(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def bring_back(path, **options):
    with open_study(path) as moved:
        return store_moved_study(moved, **options)


def test_every_model_of_a_study_moves_or_has_a_reason_to_stay():
    moving = {table.model.__name__ for table in TABLES}
    models = {model.__name__ for model in apps.get_app_config("study").get_models()}
    assert moving | set(LEFT_BEHIND) == models
    assert not moving & set(LEFT_BEHIND)


def test_a_study_that_moved_gives_the_same_file_again(moved_file, tmp_path):
    before = contents(moved_file)
    assert all(before[f"tables/{table.name}.jsonl"] for table in TABLES)
    report = bring_back(moved_file)
    assert report.pictures == sum(name.startswith("pictures/") for name in before) > 100
    assert (report.new_links, report.missing_accounts) == (0, [])
    write_study(report.study, tmp_path / "again.zip")
    after = contents(tmp_path / "again.zip")
    assert after.keys() == before.keys()
    for name in before.keys() - {"manifest.json", HISTORY}:
        assert after[name] == before[name], name
    imported, *history = after[HISTORY].splitlines()
    assert json.loads(imported)["action"] == "import study"
    assert history == before[HISTORY].splitlines()
    assert list(broken_entries()) == []


def test_two_files_of_one_study_are_equal_byte_for_byte(lived_in, tmp_path):
    first, second = write_study(lived_in, tmp_path / "1.zip"), write_study(lived_in, tmp_path / "2.zip")
    assert first == second
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    assert first.sha256 == hashlib.sha256((tmp_path / "1.zip").read_bytes()).hexdigest()
    assert stat.S_IMODE((tmp_path / "1.zip").stat().st_mode) == 0o600


def test_who_was_inside_goes_on_at_the_new_server(moved_file, tmp_path):
    study = bring_back(moved_file).study
    assert study.state == StudyState.PAUSED
    launch_study(study)
    inside = Participant.objects.filter(study=study, state="active").first()
    answered = inside.trials.exclude(answer=None).count()
    page = Client().get(inside.get_absolute_url())
    assert page.status_code == 200
    assert "/answer/" in page.content.decode()
    assert inside.slot.number == inside.slot_number
    assert 0 < answered < inside.trials_planned


def test_a_copy_beside_the_original_gets_links_of_its_own(lived_in, tmp_path):
    write_study(lived_in, tmp_path / "study.zip")
    with pytest.raises(MoveError, match=r"'lived-in' here already.*--slug"):
        bring_back(tmp_path / "study.zip")
    report = bring_back(tmp_path / "study.zip", slug="beside")
    assert (report.new_links, report.pictures) == (PEOPLE, 0)
    assert Trial.objects.filter(participant__study=report.study).count() > 0
    for name in ("token", "pseudonym", "consent_nonce"):
        values = Participant.objects.values_list(name, flat=True)
        assert len(set(values)) == len(values) == 2 * PEOPLE
    with pytest.raises(MoveError, match="no slug"):
        bring_back(tmp_path / "study.zip", slug="with blanks")


def test_members_without_an_account_here_are_named_and_left_out(moved_file, django_user_model):
    django_user_model.objects.filter(username="ben").delete()
    report = bring_back(moved_file)
    assert report.missing_accounts == [("ben", "coder")]
    assert [member.user.username for member in report.study.memberships.all()] == ["anna"]


def test_the_commands_tell_what_they_did(lived_in, tmp_path):
    path, output = tmp_path / "study.zip", io.StringIO()
    call_command("export_study", study="lived-in", whole=path, stdout=output)
    assert hashlib.sha256(path.read_bytes()).hexdigest() in output.getvalue().replace("\n", "")
    output = io.StringIO()
    call_command("import_study", path, slug="dry", dry_run=True, stdout=output)
    assert "Nothing was stored" in output.getvalue()
    assert not Study.objects.filter(slug="dry").exists()
    output = io.StringIO()
    call_command("import_study", path, slug="other", stdout=output)
    assert "other is paused; 0 new pictures." in output.getvalue()
    assert f"{PEOPLE} participants got a new link" in output.getvalue()
    entry = AuditEntry.objects.get(action="import study")
    assert entry.changes["sha256"][1] == hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(CommandError, match="here already"):
        call_command("import_study", path, quiet=True)
    with pytest.raises(CommandError, match="does not exist"):
        call_command("import_study", tmp_path / "nowhere.zip", quiet=True)


def test_a_missing_or_damaged_picture_stops_the_export(lived_in, tmp_path):
    picture = Stimulus.objects.first().grid.path
    picture.write_bytes(b"something else")
    with pytest.raises(MoveError, match="is damaged"):
        write_study(lived_in, tmp_path / "study.zip")
    picture.unlink()
    with pytest.raises(MoveError, match=r"is missing; import its run again"):
        write_study(lived_in, tmp_path / "study.zip")
    assert list(tmp_path.glob("*.zip*")) == list(tmp_path.glob(".study*")) == []


# Files from strangers


@contextmanager
def changed(path, **entries):
    """Write the file again with other entries, and with hashes that fit them."""
    files = contents(path)
    manifest = json.loads(files["manifest.json"])
    for name, content in entries.items():
        entry = f"tables/{name}.jsonl"
        files[entry] = content
        manifest["tables"][name] |= {"rows": content.count(b"\n"), "sha256": hashlib.sha256(content).hexdigest()}
    files["manifest.json"] = json.dumps(manifest).encode()
    target = path.with_name("changed.zip")
    write_zip(target, files)
    yield target


def write_zip(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(entry_information(name), content)


def rows_of(path, table):
    return [json.loads(line) for line in contents(path)[f"tables/{table}.jsonl"].splitlines()]


def lines(rows):
    from study.canonical import canonical_json

    return b"".join(canonical_json(row) + b"\n" for row in rows)


WRONG = {
    "a picture outside": ("stimuli", lambda row: row["pictures"]["grid"].update(sha256="../../../etc/passwd")),
    "a program as picture": ("stimuli", lambda row: row["pictures"]["grid"].update(extension="html")),
    "another member": ("stimuli", lambda row: row["members"][0].update(image="elsewhere")),
    "a run without summaries": ("runs", lambda row: row["manifest"].pop("summaries")),
    "another digest": ("runs", lambda row: row.update(digest="0" * 64)),
    "an unknown task": ("trials", lambda row: row.update(task="guess")),
    "an unknown item": ("trials", lambda row: row.update(practice_item="nothing")),
    "a detail of another shape": ("trials", lambda row: row["detail"].update(sides=3)),
    "no token": ("participants", lambda row: row.update(token="x")),
    "a token with a slash": ("participants", lambda row: row.update(token="../../../../admin/login/")),
    "an unknown state": ("participants", lambda row: row.update(state="famous")),
    "a state without its moment": ("participants", lambda row: row.update(state="returned")),
    "a reference beyond": ("answers", lambda row: row.update(trial=10**6)),
    "a truth value as reference": ("answers", lambda row: row.update(trial=True)),
    "a long text": ("answers", lambda row: row.update(kind="named", text="x" * 61, value=None, choice="")),
    "a confidence of 9": ("answers", lambda row: row.update(confidence=9)),
    "a day that is none": ("events", lambda row: row.update(at="2026-13-01T00:00:00+00:00")),
    "no time zone": ("events", lambda row: row.update(at="2026-01-01T00:00:00")),
    "a list as detail": ("events", lambda row: row.update(detail=[])),
    "a negative number": ("slots", lambda row: row.update(number=-1)),
    "an unknown stimulus": ("slots", lambda row: row["trials"][0].update(stimulus="elsewhere")),
    "a block too many": ("slots", lambda row: row["trials"][0].update(block=9)),
    "blocks that nobody can read": ("study", lambda row: row["blocks"][0].update(trials="many")),
    "a task that is not here": ("study", lambda row: row["blocks"][0].update(task="guess")),
    "a long slug": ("study", lambda row: row.update(slug="x" * 61)),
    "an unknown questionnaire": ("questionnaire_answers", lambda row: row.update(questionnaire="taste")),
    "one field more": ("name_codes", lambda row: row.update(is_superuser=True)),
    "NUL": ("name_codes", lambda row: row.update(name="beak\0")),
    "a missing account name": ("memberships", lambda row: row.update(user="")),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_named_and_nothing_is_stored(moved_file, kind):
    table, spoil = WRONG[kind]
    rows = rows_of(moved_file, table)
    spoil(rows[0])
    with changed(moved_file, **{table: lines(rows)}) as path, pytest.raises(MoveError) as failure:
        bring_back(path)
    assert str(path) in str(failure.value)
    assert not Study.objects.exists()
    assert not Event.objects.exists()


def test_rows_twice_break_a_rule_of_the_database(moved_file):
    rows = rows_of(moved_file, "participants")
    with (
        changed(moved_file, participants=lines([*rows, rows[0]])) as path,
        pytest.raises(MoveError, match="breaks a rule of the database"),
    ):
        bring_back(path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda files: files.pop("manifest.json"), "holds no manifest.json"),
        (lambda files: files.update({"manifest.json": b"[]"}), "breaks its schema"),
        (lambda files: files.update({"manifest.json": b"{NaN"}), "is no JSON"),
        (lambda files: files.update({"manifest.json": b"[" * 100_000}), "is no JSON"),
        (lambda files: files.pop("tables/answers.jsonl"), r"lacks tables/answers\.jsonl"),
        (lambda files: files.update({"../escape": b""}), "which no file of a study holds"),
        (lambda files: files.update({"tables/events.jsonl": b"{}\n"}), "the file was changed"),
        (lambda files: files.update({"tables/events.jsonl": b"{}"}), "is cut off"),
        (lambda files: files.update({f"pictures/{'0' * 64}.webp": b"<svg/>"}), "its manifest says"),
    ],
)
def test_archives_that_are_no_study_are_refused(moved_file, tmp_path, spoil, message):
    files = contents(moved_file)
    spoil(files)
    write_zip(tmp_path / "spoilt.zip", files)
    with pytest.raises(MoveError, match=message):
        bring_back(tmp_path / "spoilt.zip")


def test_another_version_says_which_field_differs(moved_file, tmp_path):
    files = contents(moved_file)
    manifest = json.loads(files["manifest.json"])
    manifest["tables"]["trials"]["fields"].append("mood")
    files["manifest.json"] = json.dumps(manifest).encode()
    write_zip(tmp_path / "newer.zip", files)
    with pytest.raises(MoveError, match=r"another version of the platform: trials differs in mood"):
        bring_back(tmp_path / "newer.zip")


def test_pictures_are_looked_at(moved_file, tmp_path):
    files = contents(moved_file)
    name = next(name for name in files if name.startswith("pictures/"))
    files[name] = b"<script>alert(1)</script>"
    write_zip(tmp_path / "spoilt.zip", files)
    with pytest.raises(MoveError, match="another content than its name says"):
        bring_back(tmp_path / "spoilt.zip")
    assert not Study.objects.exists()


@given(data=st.data())
@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_damaged_bytes_never_surprise(moved_file, data):
    """Bytes overwritten, cut off or put in anywhere: refused with a message, or the damage met nothing that counts."""
    content = bytearray(moved_file.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    path = moved_file.with_name("damaged.zip")
    path.write_bytes(content)
    try:
        bring_back(path, slug="damaged")
    except MoveError:
        assert not Study.objects.exists()
    else:
        delete_study(Study.objects.get())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(data=st.data())
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_value_in_any_field_is_stored_or_refused(moved_file, data):
    """Whatever stands in a field, the import ends with a study that can be exported again, or with a message."""
    table = data.draw(st.sampled_from(TABLES))
    rows = rows_of(moved_file, table.name)
    row = data.draw(st.sampled_from(rows))
    field = data.draw(st.sampled_from(table.field_names))
    row[field] = data.draw(JSON | st.datetimes().map(str) | st.sampled_from([other[field] for other in rows]))
    try:
        content = lines(rows)
    except ValueError:
        return
    with changed(moved_file, **{table.name: content}) as path:
        try:
            report = bring_back(path, slug="changed")
        except MoveError:
            assert not Study.objects.exists()
            return
    write_study(report.study, path.with_name("again.zip"))
    delete_study(report.study)
