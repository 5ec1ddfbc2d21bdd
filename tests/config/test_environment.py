import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("word", "value"), [("1", True), ("Yes", True), ("off", False), ("", False)])
def test_words_for_true_and_false(monkeypatch, word, value):
    monkeypatch.setenv("DEBUG", word)
    assert environment.boolean("DEBUG") is value


def test_other_words_are_refused(monkeypatch):
    monkeypatch.setenv("DEBUG", "maybe")
    with pytest.raises(ImproperlyConfigured, match="DEBUG is 'maybe'"):
        environment.boolean("DEBUG")


def test_the_secret_key_is_made_once_and_for_the_owner_only(monkeypatch, tmp_path):
    monkeypatch.delenv("SECRET_KEY", raising=False)
    path = tmp_path / "var" / "secret_key"
    key = environment.secret_key(path)
    assert len(key) >= 64
    assert environment.secret_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret_key"]


def test_the_environment_wins(monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET_KEY", "from outside")
    assert environment.secret_key(tmp_path / "secret_key") == "from outside"
    assert not (tmp_path / "secret_key").exists()


def test_an_empty_key_is_refused(monkeypatch, tmp_path):
    monkeypatch.delenv("SECRET_KEY", raising=False)
    (tmp_path / "secret_key").write_text("\n")
    with pytest.raises(ImproperlyConfigured, match="is empty"):
        environment.secret_key(tmp_path / "secret_key")


def settings_in_a_new_process(tmp_path, expression, **variables):
    program = f"import django; django.setup(); from django.conf import settings; print({expression})"
    environment_of_process = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT,
        env=environment_of_process
        | {"DJANGO_SETTINGS_MODULE": "config.settings", "VAR_DIRECTORY": str(tmp_path)}
        | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip()


def test_defaults_are_safe(tmp_path):
    expression = "settings.DEBUG, settings.ALLOWED_HOSTS, settings.DATABASES['default']['OPTIONS']['transaction_mode']"
    printed = settings_in_a_new_process(tmp_path, expression)
    assert printed == "False ['localhost', '127.0.0.1', '[::1]'] IMMEDIATE"


def test_https_only(tmp_path):
    expression = "settings.SECURE_SSL_REDIRECT, settings.CSRF_COOKIE_SECURE, settings.SESSION_COOKIE_SECURE"
    assert settings_in_a_new_process(tmp_path, expression, HTTPS_ONLY="1") == "True True True"


def test_postgresql_gets_a_pool_of_connections_that_keep_statements(tmp_path):
    expression = "[settings.DATABASES['default'][name] for name in ('ENGINE', 'OPTIONS', 'CONN_MAX_AGE')]"
    printed = settings_in_a_new_process(tmp_path, expression, DATABASE_URL="postgres://u@localhost/db")
    pool = {"min_size": 1, "max_size": 8, "timeout": 10}
    options = {"server_side_binding": True, "prepare_threshold": 2, "pool": pool}
    assert printed == f"['django.db.backends.postgresql', {options}, 0]"


def test_postgresql_without_a_pool_keeps_a_connection_per_thread(tmp_path):
    expression = "[settings.DATABASES['default'][name] for name in ('OPTIONS', 'CONN_MAX_AGE')]"
    own = {"DATABASE_URL": "postgres://u@localhost/db", "DATABASE_POOL": "0", "DATABASE_PREPARED": "0"}
    assert settings_in_a_new_process(tmp_path, expression, **own) == "[{}, 60]"


@pytest.mark.parametrize(("value", "location"), [("", ""), (" /pictures/ ", "/pictures/")])
def test_locations(monkeypatch, value, location):
    monkeypatch.setenv("X_ACCEL_LOCATION", value)
    assert environment.location("X_ACCEL_LOCATION") == location


@pytest.mark.parametrize("value", ["pictures/", "/pictures", "pictures"])
def test_locations_have_a_slash_at_both_ends(monkeypatch, value):
    monkeypatch.setenv("X_ACCEL_LOCATION", value)
    with pytest.raises(ImproperlyConfigured, match="slash at both ends"):
        environment.location("X_ACCEL_LOCATION")


def test_sqlite_keeps_what_it_was_given(tmp_path):
    """An answer on disk stays there: write-ahead log (so readers never wait) with full synchronisation (2)."""
    expression = (
        "[__import__('django.db').db.connection.cursor().execute(f'PRAGMA {name}').fetchone()[0]"
        " for name in ('journal_mode', 'synchronous')]"
    )
    assert settings_in_a_new_process(tmp_path, expression) == "['wal', 2]"
