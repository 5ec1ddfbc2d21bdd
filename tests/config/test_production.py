"""`PRODUCTION=1` as a server starts it, in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {"SECRET_KEY": "aZ3-qR7_" * 8, "EXTERNAL_ID_KEY": "bY4_wK9-" * 8}
ENVIRONMENT = SECRETS | {"PRODUCTION": "1", "ALLOWED_HOSTS": "study.example.org", "TRUSTED_PROXIES": "1"}


def manage(tmp_path, *arguments, **variables):
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *arguments],
        cwd=ROOT,
        env=kept | {"VAR_DIRECTORY": str(tmp_path)} | variables,
        capture_output=True,
        text=True,
    )


def test_the_deployment_check_finds_nothing(tmp_path):
    result = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **ENVIRONMENT)
    assert result.returncode == 0, result.stderr
    assert "no issues (1 silenced)" in result.stdout  # preloading: see SILENCED_SYSTEM_CHECKS


def test_secrets_come_from_the_environment_or_nothing_starts(tmp_path):
    variables = {name: value for name, value in ENVIRONMENT.items() if name != "EXTERNAL_ID_KEY"}
    result = manage(tmp_path, "check", **variables)
    assert result.returncode != 0
    assert "EXTERNAL_ID_KEY has 0 characters" in result.stderr
    assert not list(tmp_path.glob("*_key"))


def test_a_short_secret_is_refused(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "x" * 49)
    with pytest.raises(ImproperlyConfigured, match="has 49 characters; PRODUCTION=1 needs 50 or more"):
        environment.required_secret("SECRET_KEY")


def test_debugging_is_refused(tmp_path):
    assert "DEBUG=1 and PRODUCTION=1" in manage(tmp_path, "check", **ENVIRONMENT, DEBUG="1").stderr


def test_what_production_switches_on(tmp_path):
    names = (
        "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_SECONDS",
        "SECURE_HSTS_INCLUDE_SUBDOMAINS",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SESSION_COOKIE_NAME",
        "CSRF_COOKIE_NAME",
        "STATIC_MANIFEST",
        "DEBUG",
    )
    program = f"from django.conf import settings; print([getattr(settings, name) for name in {names}])"
    result = manage(tmp_path, "shell", "--no-imports", "-c", program, **ENVIRONMENT)
    expected = [True, 31_536_000, True, True, True, "__Host-sessionid", "__Host-csrftoken", True, False]
    assert result.stdout.strip() == str(expected), result.stderr
    assert not list(tmp_path.glob("*_key"))
