"""Backups, and studies that move between servers: real databases of their own, real commands."""

import json
import shutil
import zipfile
from contextlib import ExitStack

import pytest
from django.db import connection

from study.backups.erasures import read_erasures
from study.backups.manifest import BackupError, backups_in
from study.backups.restoring import check_backup
from tests.study.lived_in import SERVER_SLUG
from tests.study.servers import server

VENDORS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
pytestmark = pytest.mark.slow
MOVE_IN = (("migrate", "--verbosity", "0"), ("accounts", "anna", "ben"))


@pytest.fixture(scope="module")
def new_server(request, tmp_path_factory):
    """Return a function that makes a server without any table."""
    with ExitStack() as stack:

        def make(vendor):
            url = request.getfixturevalue("postgresql_url") if vendor == "postgresql" else None
            return stack.enter_context(server(vendor, tmp_path_factory.mktemp(vendor) / "server", url))

        yield make


@pytest.fixture(scope="module")
def filled(new_server, tmp_path_factory):
    """A SQLite server with a lived-in study and a backup; tests only read it."""
    one = new_server("sqlite")
    one.run("-m", "tests.study.lived_in", tmp_path_factory.mktemp("run"))
    one.manage_all(("export_study", "--study", SERVER_SLUG, "--whole", one.directory / "study.zip"), ("backup",))
    return one


@pytest.fixture(scope="module")
def moved(filled, new_server):
    """The study moved to PostgreSQL, and exported and backed up there; tests only read it."""
    one = new_server("postgresql")
    write = ("export_study", "--study", SERVER_SLUG, "--whole", one.directory / "study.zip")
    one.manage_all(*MOVE_IN, ("import_study", filled.directory / "study.zip"), write, ("verify_audit",), ("backup",))
    return one


def contents(path):
    """Everything in the file of a study but the audit log, which tells of each import, and its hash."""
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist()) - {"manifest.json", "tables/audit.jsonl"}
        return {name: archive.read(name) for name in names}


def backup_of(place):
    (found,) = backups_in(place.directory / "backups")
    return found


@pytest.mark.postgresql
def test_from_sqlite_to_postgresql_and_back_nothing_changes(filled, moved, new_server):
    """Every table but the audit log, and every picture, is the same byte for byte after each of two moves."""
    original = contents(filled.directory / "study.zip")
    assert len(original) > 100
    assert contents(moved.directory / "study.zip") == original
    back = new_server("sqlite")
    write = ("export_study", "--study", SERVER_SLUG, "--whole", back.directory / "study.zip")
    back.manage_all(*MOVE_IN, ("import_study", moved.directory / "study.zip"), write, ("verify_audit",))
    assert contents(back.directory / "study.zip") == original
    assert set(original) & {f"pictures/{path.name}" for path in (back.directory / "media").rglob("*.webp")}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_restored_server_equals_the_one_that_was_backed_up(request, vendor, filled, new_server):
    source = filled if vendor == "sqlite" else request.getfixturevalue("moved")
    before, pictures = source.tables(), source.pictures
    assert len(before["study_answer"]) > 10
    fresh = new_server(vendor)
    backup = fresh.directory / "backups" / backup_of(source).name
    shutil.copytree(backup_of(source), backup)
    said = fresh.manage("restore", backup)
    assert "There was no old database that could be asked" in said
    assert "EXTERNAL_ID_KEY is another" in said
    after = fresh.tables()
    assert set(before.pop("study_auditentry")) < set(after.pop("study_auditentry"))
    assert [table for table in before if after.get(table) != before[table]] == []
    assert after.keys() == before.keys()
    assert fresh.pictures == pictures

    # Somebody withdraws after the backup, and it is restored once more: they stay away.
    fresh.manage_all(("withdraw", "completed"), ("backup", "--erasures-only"))
    gone = fresh.tables()
    assert len(gone["study_answer"]) < len(before["study_answer"])
    assert "holds data already" in fresh.manage("restore", backup, code=1)
    assert fresh.tables() == gone
    said = fresh.manage("restore", backup, "--replace")
    assert "1 participants who withdrew since then were erased again" in said
    after = fresh.tables()
    for table in ("study_answer", "study_trial", "study_externalidentity", "study_questionnaireanswer", "study_slot"):
        assert after[table] == gone[table], table
    assert "unbroken" in fresh.manage("verify_audit")
    assert len(read_erasures(backup.parent / "erasures.json").withdrawn) == 2


@pytest.fixture
def copied(filled, tmp_path):
    """A copy of the backup, to be damaged; its manifest; and a function that writes that manifest with changes."""
    if connection.vendor != "sqlite":
        pytest.skip("the backup is one of SQLite, and this run's database is another")
    backup = tmp_path / "backup-20200101T000000Z"
    shutil.copytree(backup_of(filled), backup)
    manifest = json.loads((backup / "manifest.json").read_text())

    def write(**changes):
        (backup / "manifest.json").write_text(json.dumps(manifest | changes))

    return backup, manifest, write


def test_a_whole_backup_is_found_whole(copied):
    backup, manifest, _write = copied
    assert check_backup(backup).rows == manifest["rows"]


def test_damaged_files_are_found(copied):
    backup, manifest, _write = copied
    for name in ("database.sqlite3", next(name for name in manifest["files"] if name.startswith("stimuli/"))):
        content = (backup / name).read_bytes()
        (backup / name).write_bytes(content[:-1])
        with pytest.raises(BackupError, match="was changed"):
            check_backup(backup)
        (backup / name).unlink()
        with pytest.raises(BackupError, match="cannot be read"):
            check_backup(backup)
        (backup / name).write_bytes(content)


def test_foreign_backups_are_refused(copied):
    backup, manifest, write = copied

    def refused(message):
        with pytest.raises(BackupError, match=message):
            check_backup(backup)

    write(
        vendor="postgresql", files={name.replace("sqlite3", "dump"): said for name, said in manifest["files"].items()}
    )
    refused("export_study --whole and import_study")
    write(migrations=manifest["migrations"] | {"study": [*manifest["migrations"]["study"], "9999_future"]})
    refused(r"migration study\.9999_future is not here")
    write(files=manifest["files"] | {"../../outside": manifest["files"]["database.sqlite3"]})
    refused(r"lists \.\./\.\./outside")
    write(rows={"study_answer": -1})
    refused("breaks its schema at rows/study_answer")
    (backup / "manifest.json").write_text("[" * 100_000)
    refused("is no JSON")
    (backup / "manifest.json").unlink()
    refused("does not exist")


@pytest.mark.parametrize("content", ["[]", "nothing", '{"withdrawn": {}}', '{"withdrawn": [], "retention": {}}'])
def test_lists_of_erasures_that_are_none_are_refused(tmp_path, content):
    (tmp_path / "erasures.json").write_text(content)
    with pytest.raises(BackupError, match=r"give an erasures\.json"):
        read_erasures(tmp_path / "erasures.json")
    with pytest.raises(BackupError, match="does not exist"):
        read_erasures(tmp_path / "nothing.json")


def test_only_the_newest_backups_are_kept(filled, tmp_path):
    names = [f"backup-2020010{day}T000000Z" for day in range(1, 4)]
    for name in names:
        shutil.copytree(backup_of(filled), tmp_path / name)
    (tmp_path / "backup-of-something-else").mkdir()
    said = filled.manage("backup", "--out", tmp_path, "--keep", "2")
    left = sorted(path.name for path in tmp_path.iterdir())
    assert [name for name in left if name.startswith("backup-2020")] == names[2:]
    assert "backup-of-something-else" in left
    assert len(left) == 4  # and the new one, and erasures.json
    assert "found whole" in said
    assert said.count("was deleted") == 2


def test_a_damaged_database_is_found_when_it_is_backed_up(filled, new_server, tmp_path):
    place = new_server("sqlite")
    shutil.copy(backup_of(filled) / "database.sqlite3", place.directory / "db.sqlite3")
    place.execute("INSERT INTO study_event (participant_id, kind, at, detail) VALUES (999, 'blur', '2026-01-01', '{}')")
    assert "of study_event refers to nothing" in place.manage("backup", "--out", tmp_path, code=1)
    assert list(tmp_path.iterdir()) == []
