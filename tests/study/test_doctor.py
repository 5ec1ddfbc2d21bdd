"""`manage.py doctor`: what it finds where something is wrong, and what it says to do."""

import io
import json
import os
import socketserver
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from study.diagnosis import QUESTIONS, Level, database, machine, server, work
from study.models import Slot
from study.services.pregenerations import request_pregeneration

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


def only(question):
    (finding,) = question()
    return finding


def test_it_prints_a_line_for_everything_and_ends_well(settings, tmp_path):
    settings.VAR_DIRECTORY, settings.ALLOWED_HOSTS = tmp_path, ["localhost"]
    output = io.StringIO()
    call_command("doctor", quick=True, stdout=output)
    lines = output.getvalue().splitlines()
    whats = {line[8:].split(":")[0] for line in lines if line.startswith(("ok", "warning"))}
    assert whats >= {"database", "migrations", "durability", "clock", "pictures", "free space", "static files"}
    assert whats >= {"weights", "worker", "sweep", "secret keys", "https", "proxies", "mail", "error reports"}
    assert "0 problems" in lines[-1]


def test_a_database_that_is_away_is_a_problem_with_a_way_out(tmp_path):
    variables = {
        "DATABASE_URL": "postgresql://nobody:secret@127.0.0.1:9/none",
        "DATABASE_POOL": "0",
        "VAR_DIRECTORY": str(tmp_path),
    }
    result = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json", "--quick"],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    findings = {finding["what"]: finding for finding in json.loads(result.stdout)}
    assert findings["database"]["level"] == "problem"
    assert "DATABASE_URL" in findings["database"]["mend"]
    assert "secret" not in json.dumps(findings["database"])
    assert "migrations" not in findings and "weights" in findings and "device" not in findings


def test_the_database_of_the_tests_is_durable_and_on_time():
    for question in (database.reachable, database.migrations, database.durability, database.clock):
        assert only(question).level == Level.OK, only(question)


def test_migrations_that_wait(transactional_db):
    call_command("migrate", "axes", "zero", verbosity=0)
    try:
        finding = only(database.migrations)
    finally:
        call_command("migrate", verbosity=0)
    assert finding.level == Level.PROBLEM
    assert "axes.0001_initial" in finding.found and "manage.py migrate" in finding.mend


def test_no_room(monkeypatch):
    monkeypatch.setattr(machine, "LITTLE_ROOM", 10**18)
    assert only(machine.free_space).level == Level.WARNING
    monkeypatch.setattr(machine, "TOO_LITTLE_ROOM", 10**17)
    assert only(machine.free_space).level == Level.PROBLEM


def test_a_folder_that_cannot_be_written(settings):
    settings.VAR_DIRECTORY = settings.MEDIA_ROOT = "/proc/self"
    assert [finding.level for finding in machine.storage()] == [Level.PROBLEM] * 2


def test_static_files_that_were_not_collected(settings, tmp_path):
    settings.STATIC_MANIFEST, settings.STATIC_ROOT = True, tmp_path
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }
    finding = only(machine.static_files)
    assert (finding.level, "collectstatic" in finding.mend) == (Level.PROBLEM, True)


@pytest.mark.slow
def test_the_device_is_asked_for_in_another_process():
    finding = only(machine.device)
    assert finding.level == Level.OK
    assert finding.found.startswith("PyTorch ")
    assert machine.device in QUESTIONS


def test_pytorch_that_does_not_run(monkeypatch):
    monkeypatch.setattr(machine, "DEVICE_PROGRAM", "import torch_is_not_here")
    finding = only(machine.device)
    assert finding.level == Level.PROBLEM
    assert "No module named" in finding.found


def test_weights_that_are_empty(settings, tmp_path):
    settings.VAR_DIRECTORY = tmp_path
    (tmp_path / "networks" / "hub").mkdir(parents=True)
    (tmp_path / "networks" / "hub" / "alexnet.pth").touch()
    finding = only(machine.weights)
    assert (finding.level, "alexnet.pth" in finding.mend) == (Level.PROBLEM, True)


def test_a_worker_that_is_missing(draft):
    wanted = {"source": "dataset:drawn-birds", "networks": "alexnet", "preset": "fast", "arms": []}
    request_pregeneration(draft, wanted)
    assert only(work.worker).level == Level.OK
    DBTaskResult.objects.update(enqueued_at=timezone.now() - timedelta(minutes=12))
    finding = only(work.worker)
    assert finding.level == Level.PROBLEM
    assert "since 12 minutes" in finding.found and "db_worker" in finding.mend


def test_places_that_nobody_gave_back(study, take_part):
    person = take_part(study, 1, ["beak"], trials=1)
    assert only(work.sweep).level == Level.OK
    Slot.objects.filter(holder=person).update(lease_expires_at=timezone.now() - timedelta(hours=1))
    assert only(work.sweep).level == Level.WARNING


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({"ALLOWED_HOSTS": ["study.example.org"], "HTTPS_ONLY": False}, Level.PROBLEM),
        ({"ALLOWED_HOSTS": ["study.example.org"], "HTTPS_ONLY": True}, Level.OK),
        ({"ALLOWED_HOSTS": ["*"], "HTTPS_ONLY": True}, Level.PROBLEM),
        ({"ALLOWED_HOSTS": ["localhost"], "HTTPS_ONLY": False}, Level.OK),
    ],
)
def test_https(settings, changes, level):
    for name, value in changes.items():
        setattr(settings, name, value)
    assert only(server.https).level == level


def test_keys_that_others_can_read(settings, tmp_path):
    settings.VAR_DIRECTORY, settings.PRODUCTION = tmp_path, False
    (tmp_path / "secret_key").write_text("x")
    (tmp_path / "secret_key").chmod(0o644)
    assert only(server.secrets_set).level == Level.PROBLEM
    (tmp_path / "secret_key").chmod(0o600)
    assert only(server.secrets_set).level == Level.OK


def test_proxies(settings):
    settings.HTTPS_ONLY, settings.TRUSTED_PROXIES = True, 0
    assert only(server.proxies).level == Level.WARNING
    settings.TRUSTED_PROXIES = 1
    assert only(server.proxies).level == Level.OK


class Greeting(socketserver.StreamRequestHandler):
    """As much of a mail server as a connection needs."""

    def handle(self):
        self.wfile.write(b"220 mail.example.org\r\n")
        while line := self.rfile.readline():
            self.wfile.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 mail.example.org\r\n")


def test_mail(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_USE_TLS, settings.EMAIL_HOST = False, ""
    assert only(server.mail).level == Level.OK
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greeting) as listening:
        settings.EMAIL_HOST, settings.EMAIL_PORT = listening.server_address
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        assert only(server.mail).found.endswith("answers")
        listening.shutdown()
    finding = only(server.mail)
    assert (finding.level, "EMAIL_HOST" in finding.mend) == (Level.WARNING, True)
