"""One's own account: the second step of signing in, recovery codes, the password, and the end of a session."""

import re
import time
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from study.models import AuditEntry
from study.research.guard import CODE_AT, FRESH_SECONDS, SEEN_AT, SIGNED_IN_AT

pytestmark = pytest.mark.django_db
SIGN_IN, STEP, HOME, ACCOUNT = (
    "/research/sign-in/",
    "/research/account/second-step/",
    "/research/",
    "/research/account/",
)
PASSWORD = "four plain words here"


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user("ada", password=PASSWORD, is_staff=True)


@pytest.fixture
def signed_in(user):
    client = Client()
    client.post(SIGN_IN, {"username": "ada", "password": PASSWORD})
    return client


def code(user, *, later=0):
    """What the app shows now, or `later` steps of 30 seconds from now (a code works once)."""
    device = TOTPDevice.objects.filter(user=user).latest("pk")
    totp = TOTP(device.bin_key)
    totp.time = time.time() + 30 * later
    return f"{totp.token():06}"


@pytest.fixture
def enrolled(user, signed_in):
    """Recovery codes of an account whose app is enrolled."""
    signed_in.get(STEP)
    page = signed_in.post(STEP, {"code": code(user)})
    return re.findall(r"<code>([a-z2-7-]{19})</code>", page.content.decode())


def password_only(user):
    client = Client()
    client.post(SIGN_IN, {"username": "ada", "password": PASSWORD})
    return client


def test_without_a_second_step_a_password_is_enough(signed_in):
    assert signed_in.get(HOME).status_code == 200
    assert "Switch on" in signed_in.get(ACCOUNT).content.decode()


def test_enrolment_shows_a_picture_and_a_key_that_stay_the_same(user, signed_in):
    first, second = (signed_in.get(STEP).content.decode() for _ in range(2))
    key = re.search(r"<code>([A-Z2-7]{32})</code>", first).group(1)
    assert key in second
    assert "<svg" in first and "style=" not in first
    assert signed_in.post(STEP, {"code": "000000"}).status_code == 422
    assert not TOTPDevice.objects.filter(confirmed=True).exists()


def test_whoever_enrolled_needs_the_code_everywhere(user, signed_in, enrolled):
    assert signed_in.get(HOME).status_code == 200  # this session has shown the code
    other = password_only(user)
    for path in (HOME, "/research/new/", ACCOUNT, "/admin/", "/admin/study/study/"):
        response = other.get(path)
        assert response.status_code == 302
        assert response["Location"].startswith(f"{STEP}?next=%2F"), path
    assert other.post("/research/new/", {"slug": "x"}).status_code == 302
    assert other.post(STEP, {"code": "12345"}).status_code == 422
    answer = other.post(f"{STEP}?next=/research/new/", {"code": code(user, later=1)})
    assert answer["Location"] == "/research/new/"
    assert other.get(HOME).status_code == 200


def test_a_code_works_once(user, enrolled):
    used = code(user, later=1)
    assert password_only(user).post(STEP, {"code": used}).status_code == 302
    assert password_only(user).post(STEP, {"code": used}).status_code == 422


def test_wrong_codes_make_the_right_one_wait(user, enrolled):
    other = password_only(user)
    assert other.post(STEP, {"code": "000000"}).status_code == 422
    assert other.post(STEP, {"code": code(user, later=1)}).status_code == 422


def test_a_recovery_code_lets_in_once_and_is_stored_as_a_hash(user, enrolled):
    assert len(set(enrolled)) == 10
    stored = set(StaticToken.objects.values_list("token", flat=True))
    assert not stored & {one.replace("-", "") for one in enrolled}
    assert password_only(user).post(STEP, {"code": enrolled[0].upper()}).status_code == 302
    assert password_only(user).post(STEP, {"code": enrolled[0]}).status_code == 422
    assert StaticToken.objects.count() == 9


def test_new_codes_replace_the_old_and_switching_off_forgets_all(user, signed_in, enrolled):
    change = f"{STEP}change/"
    assert password_only(user).post(change, {"remove": "1"})["Location"].startswith(STEP)
    page = signed_in.post(change, {"codes": "1"}).content.decode()
    assert not any(one in page for one in enrolled)
    signed_in.post(change, {"remove": "1"})
    assert not TOTPDevice.objects.exists() and not StaticToken.objects.exists()
    assert password_only(user).get(HOME).status_code == 200
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", "actor"))
    assert actions == [("second step on", "ada"), ("second step off", "ada")]


def test_a_setting_demands_it_of_everybody(settings, user, signed_in):
    settings.SECOND_FACTOR_REQUIRED = True
    assert signed_in.get(HOME)["Location"].startswith(STEP)
    assert signed_in.get("/admin/")["Location"].startswith(STEP)
    assert signed_in.get("/s/nothing/").status_code == 404  # participants' pages ask nobody
    signed_in.get(STEP)
    assert signed_in.post(STEP, {"code": code(user)}).status_code == 200
    assert signed_in.get(HOME).status_code == 200


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_the_second_step_leads_nowhere_else(user, enrolled, elsewhere):
    answer = password_only(user).post(f"{STEP}?next={elsewhere}", {"code": code(user, later=1)})
    assert answer["Location"] == HOME


def test_a_session_ends_after_twelve_hours_whatever_happens(settings, signed_in):
    session = signed_in.session
    session[SIGNED_IN_AT] = time.time() - settings.LONGEST_SESSION_SECONDS - 1
    session.save()
    assert signed_in.get(HOME)["Location"].startswith(SIGN_IN)
    assert "_auth_user_id" not in signed_in.session


def test_a_session_ends_after_four_hours_without_a_click(settings, signed_in):
    assert settings.SESSION_COOKIE_AGE == 4 * 60 * 60
    stored = Session.objects.get(pk=signed_in.session.session_key)
    soon = timezone.now() + timedelta(minutes=1)
    Session.objects.update(expire_date=soon)
    session = signed_in.session
    session[SEEN_AT] = time.time() - 61
    session.save()
    Session.objects.update(expire_date=soon)
    signed_in.get(HOME)
    stored.refresh_from_db()
    assert stored.expire_date - timezone.now() > timedelta(hours=3, minutes=59)  # a click counts anew
    Session.objects.update(expire_date=soon)
    signed_in.get(HOME)
    stored.refresh_from_db()
    assert stored.expire_date == soon  # within a minute nothing is written
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert signed_in.get(HOME)["Location"].startswith(SIGN_IN)


def test_signing_in_and_the_second_step_change_the_session_s_name(user, enrolled):
    client = Client()
    client.get(SIGN_IN)
    client.post(SIGN_IN, {"username": "ada", "password": PASSWORD})
    before = client.session.session_key
    client.post(STEP, {"code": code(user, later=1)})
    assert client.session.session_key != before


def test_a_new_password_ends_other_sessions(user, signed_in):
    other = password_only(user)
    new = "another four plain words"
    fields = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert signed_in.post("/research/account/password/", fields).status_code == 302
    assert signed_in.get(HOME).status_code == 200
    assert other.get(HOME)["Location"].startswith(SIGN_IN)


@pytest.mark.parametrize("password", ["elevenchars", "password1234", "adaadaadaada1", "Visual-Summaries-2026!"])
def test_weak_passwords_are_refused(user, signed_in, password):
    user.username = "adaadaadaada"
    user.save()
    fields = {"old_password": PASSWORD, "new_password1": password, "new_password2": password}
    assert signed_in.post("/research/account/password/", fields).status_code == 200
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_any_characters_make_a_password_and_all_of_them_count(user, signed_in):
    new = "84629164038264 " + "ñ🙂" * 50
    fields = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert signed_in.post("/research/account/password/", fields).status_code == 302
    user.refresh_from_db()
    assert user.check_password(new) and not user.check_password(new[:-1])


def test_strangers_have_no_account_page(client):
    for path in (ACCOUNT, STEP, "/research/account/password/"):
        assert client.get(path)["Location"].startswith(SIGN_IN)


def test_changing_the_second_step_takes_a_code_of_the_last_minutes(user, signed_in, enrolled):
    session = signed_in.session
    session[CODE_AT] = time.time() - FRESH_SECONDS - 1
    session.save()
    for action in ("codes", "remove"):
        assert signed_in.post(f"{STEP}change/", {action: "1"})["Location"].startswith(STEP)
    assert TOTPDevice.objects.filter(confirmed=True).count() == 1
    assert "Six digits" in signed_in.get(STEP).content.decode()  # no QR code of another phone
    assert signed_in.post(f"{STEP}?next={ACCOUNT}", {"code": code(user, later=1)})["Location"] == ACCOUNT
    assert "<svg" in signed_in.get(STEP).content.decode()


def test_another_phone_ends_the_second_step_of_every_other_session(user, signed_in, enrolled):
    other = password_only(user)
    other.post(STEP, {"code": enrolled[0]})
    assert other.get(HOME).status_code == 200
    signed_in.get(STEP)
    assert signed_in.post(STEP, {"code": code(user)}).status_code == 200
    assert TOTPDevice.objects.filter(user=user).count() == 1
    assert signed_in.get(HOME).status_code == 200
    assert other.get(HOME)["Location"].startswith(STEP)


def test_signing_out_ends_the_session_on_the_server_and_empties_the_browser(user, signed_in):
    kept = signed_in.cookies["sessionid"].value
    response = signed_in.post("/research/sign-out/")
    assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
    thief = Client()
    thief.cookies["sessionid"] = kept
    assert thief.get(HOME)["Location"].startswith(SIGN_IN)


def test_an_account_that_is_switched_off_is_out_at_once(user, signed_in):
    user.is_active = False
    user.save()
    assert signed_in.get(HOME)["Location"].startswith(SIGN_IN)


def test_every_step_is_logged_by_the_account_s_number(user, signed_in, enrolled, caplog):
    caplog.set_level("INFO", logger="study.sign_in")
    other = password_only(user)
    other.post(STEP, {"code": "000000"})
    other.post("/research/sign-out/")
    Client().post(SIGN_IN, {"username": "ada", "password": "wrong"})
    lines = [line.getMessage() for line in caplog.records if line.name == "study.sign_in"]
    assert lines == [
        f"Account {user.pk} signed in with a password.",
        f"Account {user.pk} gave a wrong code.",
        f"Account {user.pk} signed out.",
        "Somebody gave a wrong name or password.",
    ]


def test_who_has_an_account_cannot_be_told_from_the_answer(user):
    pages = [
        Client().post(SIGN_IN, {"username": name, "password": "wrong"}, REMOTE_ADDR="198.51.100.7").content.decode()
        for name in ("ada", "nobody")
    ]
    plain = [re.sub(r'value="[^"]*"', "", page) for page in pages]
    assert plain[0] == plain[1]
