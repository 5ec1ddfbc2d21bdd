"""Guessing passwords is stopped, and who guessed is not stored."""

import ipaddress
from datetime import timedelta

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.utils import timezone

pytestmark = pytest.mark.django_db
SIGN_IN = "/research/sign-in/"
ADDRESS = "198.51.100.7"
PASSWORD = "four plain words here"


@pytest.fixture
def account(django_user_model):
    return django_user_model.objects.create_user("ada", password=PASSWORD, is_staff=True)


def sign_in(client, password, *, name="ada", address=ADDRESS, page=SIGN_IN):
    return client.post(
        page, {"username": name, "password": password}, REMOTE_ADDR=address, headers={"user-agent": "Browser of Ada"}
    )


@pytest.mark.parametrize("page", [SIGN_IN, "/admin/login/?next=/admin/"])
def test_five_wrong_passwords_close_the_door(client, account, page):
    assert [sign_in(client, "wrong", page=page).status_code for _ in range(5)] == [200] * 4 + [429]
    locked = sign_in(client, PASSWORD, page=page)
    assert locked.status_code == 429
    assert locked.headers["Retry-After"] == "900"
    assert "Too many wrong passwords" in locked.content.decode()
    assert "_auth_user_id" not in client.session


def test_another_address_and_another_name_are_not_locked(client, account, django_user_model):
    django_user_model.objects.create_user("grace", password=PASSWORD)
    for _ in range(5):
        sign_in(client, "wrong")
    assert sign_in(client, PASSWORD, name="grace").status_code == 302
    client.logout()
    assert sign_in(client, PASSWORD, address="203.0.113.9").status_code == 302


def test_case_and_browser_make_no_new_tries(client, account):
    for name in ("ada", "Ada", "ADA", "ada", "aDa"):
        response = client.post(
            SIGN_IN, {"username": name, "password": "x"}, REMOTE_ADDR=ADDRESS, headers={"user-agent": f"for {name}"}
        )
    assert response.status_code == 429


def test_the_door_opens_again_and_what_was_counted_is_deleted(client, account):
    for _ in range(5):
        sign_in(client, "wrong")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert sign_in(client, PASSWORD).status_code == 302
    assert not AccessAttempt.objects.exists()


def test_nothing_of_what_was_sent_is_stored(client, account):
    sign_in(client, "my secret", name="my password, typed into the wrong field")
    sign_in(client, "my secret", name="my password, typed into the wrong field")
    attempt = AccessAttempt.objects.get()
    assert attempt.failures_since_start == 2
    assert ipaddress.ip_address(attempt.ip_address).is_private
    assert str(attempt.ip_address) != ADDRESS
    stored = " ".join(str(getattr(attempt, field.attname)) for field in AccessAttempt._meta.fields)
    for word in (ADDRESS, "password", "secret", "Browser", "sign-in", "csrf"):
        assert word not in stored
    client.logout()
    sign_in(client, PASSWORD)
    assert not AccessLog.objects.exists()
    assert not AccessFailureLog.objects.exists()


def test_the_log_names_nobody(client, account, caplog):
    for _ in range(6):
        sign_in(client, "wrong")
    assert "Locking out somebody" in caplog.text
    assert "ada" not in caplog.text
    assert ADDRESS not in caplog.text
