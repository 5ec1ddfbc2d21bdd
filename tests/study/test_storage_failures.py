"""A full disk, a database that goes away, folders that cannot be written: said honestly, and nothing half-written."""

import errno
import io
import json
import os
import shutil
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test import Client
from django.utils import timezone
from PIL import Image

from study.forms_in_pages import find_forms
from study.models import Answer, Event, ImportedRun, Participant, Stimulus, Trial
from study.services.runs import PicturesNotStoredError, import_run
from study.tasks.form import CLIENT_REPORT_KEYS

REAL_NOW = timezone.now
LONG_REPORT = json.dumps(dict.fromkeys(CLIENT_REPORT_KEYS, "x" * 40))
sqlite_only = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="fills the disk of an SQLite database")


@contextmanager
def full_disk():
    """Let the database file not grow by a single page, as on a full disk."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # no free pages inside the file
        cursor.execute("PRAGMA page_count")
        pages = cursor.fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA max_page_count = 1073741823")


def contents():
    """Return every row that an answer could touch."""
    return [list(model.objects.order_by("pk").values()) for model in (Participant, Trial, Answer, Event)]


@pytest.mark.django_db(transaction=True)
@sqlite_only
def test_with_a_full_disk_an_answer_is_not_half_stored_and_can_be_sent_again(study, visitor):
    visitor.enter(study)
    visitor.go_on()
    own = visitor.participant.get_absolute_url()
    sent, refused = 0, None
    with full_disk():
        while refused is None and sent < 30:  # what fits into pages that exist already is still stored
            form = next((form for form in find_forms(visitor.page.content.decode()) if "/answer/" in form.action), None)
            if form is None:
                form, fields = visitor.form("/continue/"), {}
            else:
                fields = {"text": "beak" * 10, "confidence": "4", "client": LONG_REPORT}
            before = contents()
            response = visitor.client.post(form.action, form.fields | fields)
            if response.status_code == 503:
                refused = response
                assert contents() == before
            else:
                sent += 1
                visitor.open(own)
                if visitor.page.status_code == 503:
                    refused, form, fields = visitor.page, None, {}
    assert refused is not None
    assert refused.headers["Retry-After"] and "no-store" in refused.headers["Cache-Control"]
    page = refused.content.decode()
    assert "Something is wrong with our storage" in page
    if form is not None:  # the button sends the very same again
        again = next(one for one in find_forms(page) if one.action == form.action)
        assert again.fields == form.fields | fields
        assert visitor.client.post(again.action, again.fields).status_code == 303
    assert visitor.open(own).status_code == 200


@pytest.mark.django_db(transaction=True)
@sqlite_only
def test_with_a_full_disk_nobody_half_enters(study, visitor):
    visitor.open(study.get_absolute_url())
    form = visitor.form(study.get_absolute_url())
    with full_disk():
        responses = []
        for number in range(3):  # a plan's trials do not fit into what is left of the last pages
            before = contents()
            responses.append(Client().post(form.action.replace("attempt=", f"attempt={number}"), form.fields))
            if responses[-1].status_code == 503:
                assert contents() == before
    assert 503 in {response.status_code for response in responses}
    assert Participant.objects.filter(trials=None).count() == 0
    assert visitor.send(form).status_code == 200
    assert visitor.participant.trials.count() == visitor.participant.trials_planned > 0


@pytest.mark.django_db(transaction=True)
@sqlite_only
def test_a_database_that_cannot_be_opened_is_said_in_the_participant_s_words(study, visitor, tmp_path):
    visitor.enter(study)
    own = visitor.participant.get_absolute_url()
    own_file = connection.settings_dict["NAME"]
    connections.close_all()
    connection.settings_dict["NAME"] = str(tmp_path / "missing" / "db.sqlite3")
    try:
        for path in (own, study.get_absolute_url(), "/"):
            response = Client().get(path)
            assert response.status_code == 503
            assert f'href="{path}"' in response.content.decode()
        assert Client().post(f"{own}events/", "{}", content_type="application/json").status_code == 503
        assert Client().get("/readyz").status_code == 503
        assert Client().get("/healthz").status_code == 200
    finally:
        connections.close_all()
        connection.settings_dict["NAME"] = own_file
    assert Client().get(own).status_code == 200


@contextmanager
def unwritable(monkeypatch, error):
    """Let every new file fail as on a medium that is full or read-only; root may write everywhere else."""

    def refuse(*args, **kwargs):
        raise OSError(error, os.strerror(error))

    with monkeypatch.context() as patch:
        patch.setattr("tempfile.mkstemp", refuse)
        yield


@pytest.mark.django_db
@pytest.mark.parametrize("error", [errno.EROFS, errno.ENOSPC], ids=["read-only", "full"])
def test_an_import_that_cannot_store_pictures_says_so_and_can_be_repeated(draft, run_directory, monkeypatch, error):
    with unwritable(monkeypatch, error), pytest.raises(PicturesNotStoredError, match="pictures"):
        import_run(draft, run_directory)
    assert not ImportedRun.objects.exists() and not Stimulus.objects.exists()
    assert import_run(draft, run_directory).created


@pytest.mark.django_db
@pytest.mark.parametrize("error", [errno.EROFS, errno.ENOSPC], ids=["read-only", "full"])
def test_pictures_are_shown_from_a_medium_that_cannot_be_written(study, client, media_root, monkeypatch, error):
    picture = Stimulus.objects.first().pictures["cells"][0]
    original = f"/stimuli/{picture['sha256']}.webp"
    for rendition in (*media_root.rglob("*.jpg"), *media_root.rglob("*-small.webp")):
        rendition.unlink()
    with unwritable(monkeypatch, error):
        for name in (original, original.replace(".webp", "-small.webp"), original.replace(".webp", ".jpg")):
            response = client.get(name)  # renditions are made for this request, and not kept
            assert response.status_code == 200
            content = b"".join(response.streaming_content) if response.streaming else response.content
            assert Image.open(io.BytesIO(content)).width > 0
            response.close()
    assert not list(media_root.rglob("*.jpg"))
    shutil.rmtree(media_root)
    assert client.get(original).status_code == 404


@pytest.mark.django_db
def test_a_clock_that_jumps_costs_nobody_an_answer(study, visitor, new_visitor, monkeypatch):
    def clock(**offset):
        monkeypatch.setattr(timezone, "now", lambda: REAL_NOW() + timedelta(**offset))

    visitor.enter(study)
    visitor.go_on()
    clock(days=-3)  # set back while the page is open: the time it took is not negative
    visitor.answer()
    assert Answer.objects.get().server_time_ms == 0.0
    visitor.go_on()
    clock(days=3)  # set forward: every lease is over, and nobody else has come
    visitor.answer()
    assert Answer.objects.count() == 2
    visitor.go_on()
    clock(days=6)
    other = new_visitor()
    other.enter(study)  # takes the slot, whose lease is over
    assert other.participant.slot_number == visitor.participant.slot_number == 1
    clock()  # and right again
    visitor.answer()
    visitor.finish()
    assert visitor.participant.state == "completed"
    assert other.participant.slot.number == 1
    assert Answer.objects.filter(trial__participant=visitor.participant).count() == visitor.participant.trials_planned
