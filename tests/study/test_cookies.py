"""Small promises of docs/security.md: cookies, headers, forms, accounts, and what scripts keep in the browser."""

import re
from pathlib import Path

import pytest
from django.conf import global_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import override_settings

import config.settings
from study.forms_in_pages import find_forms

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "four plain words here"


@override_settings(SESSION_COOKIE_SECURE=True, CSRF_COOKIE_SECURE=True)
def test_every_cookie_is_confined(study, client):
    get_user_model().objects.create_user("ada", password=PASSWORD)
    page = client.get(study.get_absolute_url(), secure=True)
    form = next(form for form in find_forms(page.content.decode()) if study.get_absolute_url() in form.action)
    client.post(form.action, form.fields, secure=True)
    client.get("/research/sign-in/", secure=True)
    client.post("/research/sign-in/", {"username": "ada", "password": PASSWORD}, secure=True)
    names = set(client.cookies)
    assert names == {"sessionid", "csrftoken", f"__Secure-study-{study.pk}"}
    for cookie in client.cookies.values():
        assert cookie["secure"] and cookie["httponly"], cookie.key
        assert cookie["samesite"] == "Lax", cookie.key
        assert not cookie["domain"], cookie.key
    assert client.cookies[f"__Secure-study-{study.pk}"]["path"] == study.get_absolute_url()


@pytest.mark.parametrize("path", ["/", "/research/sign-in/", "/nothing-here/", "/admin/login/"])
def test_pages_say_their_type_and_charset(client, path):
    assert client.get(path).headers["Content-Type"] == "text/html; charset=utf-8"


def test_the_password_field_is_masked_and_helpers_may_fill_it(client):
    page = client.get("/research/sign-in/").content.decode()
    field = re.search(r'<input[^>]*name="password"[^>]*>', page).group()
    assert 'type="password"' in field and 'autocomplete="current-password"' in field
    assert "onpaste" not in page


def test_a_new_database_has_no_account():
    assert not get_user_model().objects.exists()


def test_signing_out_is_on_every_page_of_researchers():
    base = (ROOT / "templates" / "research" / "base.html").read_text(encoding="utf-8")
    assert "research:sign-out" in base
    for template in (ROOT / "templates" / "research").glob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert template.name == "base.html" or text.startswith('{% extends "research/base.html" %}'), template.name
        assert "{% block header %}" not in text, template.name


def test_passwords_are_hashed_slowly():
    """The shipped settings leave the choice to Django; these tests alone hash quickly."""
    assert not hasattr(config.settings, "PASSWORD_HASHERS")
    assert global_settings.PASSWORD_HASHERS[0].endswith("PBKDF2PasswordHasher")
    assert PBKDF2PasswordHasher.iterations >= 600_000


def test_scripts_keep_nothing_in_the_browser_but_switches():
    """Two switches, on or off: single keys as short cuts, and whether the way back was opened."""
    kept = []
    for script in (ROOT / "study" / "static").rglob("*.js"):
        text = script.read_text(encoding="utf-8")
        kept += re.findall(r"Storage\.setItem\(\w+, (.+)\);", text)
        for word in ("indexedDB", "document.cookie", "caches.open"):
            assert word not in text, (script.name, word)
    assert sorted(kept) == ['"1"', 'off ? "1" : "0"']


def test_participants_scripts_write_text_and_no_html():
    for script in (ROOT / "study" / "static" / "study").rglob("*.js"):
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert word not in script.read_text(encoding="utf-8"), (script.name, word)
