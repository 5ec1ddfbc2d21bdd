"""The second step of signing in: an app's codes (TOTP, RFC 6238), and recovery codes for a lost phone.

Recovery codes are 80 random bits. What is stored is a keyed hash, so neither the database nor a backup lets anybody in.
"""

import base64
import re
import secrets
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils.crypto import salted_hmac
from django_otp import verify_token
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from study.services.audit import record

RECOVERY_CODES = 10
APP_NAME = "app"
RECOVERY_NAME = "recovery codes"


def has_second_factor(user: AbstractBaseUser) -> bool:
    """Tell whether the account has enrolled an app."""
    return bool(TOTPDevice.objects.filter(user_id=user.pk, confirmed=True).exists())


@transaction.atomic
def begin_enrolment(user: AbstractBaseUser) -> TOTPDevice:
    """Return the device that waits to be confirmed; the same one until it is, so that reloading changes no QR code."""
    waiting = TOTPDevice.objects.filter(user_id=user.pk, confirmed=False).first()
    return waiting or TOTPDevice.objects.create(user_id=user.pk, name=APP_NAME, confirmed=False)


@transaction.atomic
def confirm_enrolment(user: AbstractBaseUser, code: str) -> tuple[TOTPDevice, list[str]] | None:
    """Take the app into use when its code is right, in place of an older one, and return it with new recovery codes."""
    waiting = TOTPDevice.objects.select_for_update().filter(user_id=user.pk, confirmed=False).first()
    if waiting is None or not waiting.verify_token(_plain(code)):
        return None
    TOTPDevice.objects.filter(user_id=user.pk, confirmed=True).delete()
    waiting.confirmed = True
    waiting.save(update_fields=["confirmed"])
    record("second step on", actor=user.get_username(), target=user.get_username())
    return waiting, make_recovery_codes(user)


@transaction.atomic
def make_recovery_codes(user: AbstractBaseUser) -> list[str]:
    """Make new recovery codes, in place of all older ones; this is the only time they can be read."""
    StaticDevice.objects.filter(user_id=user.pk).delete()
    device = StaticDevice.objects.create(user_id=user.pk, name=RECOVERY_NAME, confirmed=True)
    codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=_stored(code)) for code in codes)
    return ["-".join(re.findall("....", code)) for code in codes]


def check_code(user: AbstractBaseUser, code: str) -> Device | None:
    """Return the device that a code belongs to, or None. A code works once; wrong ones make the next try wait."""
    plain = _plain(code)
    device: Any
    if re.fullmatch(r"[0-9]{6}", plain):
        device, token = TOTPDevice.objects.filter(user_id=user.pk, confirmed=True).first(), plain
    else:
        device, token = StaticDevice.objects.filter(user_id=user.pk, confirmed=True).first(), _stored(plain)
    return verify_token(user, device.persistent_id, token) if device is not None else None


@transaction.atomic
def remove_second_factor(user: AbstractBaseUser) -> None:
    """Forget the account's app and recovery codes."""
    TOTPDevice.objects.filter(user_id=user.pk).delete()
    StaticDevice.objects.filter(user_id=user.pk).delete()
    record("second step off", actor=user.get_username(), target=user.get_username())


def recovery_codes_left(user: AbstractBaseUser) -> int:
    """Return how many recovery codes have not been used."""
    return int(StaticToken.objects.filter(device__user_id=user.pk).count())


def _plain(code: str) -> str:
    return re.sub(r"[\s-]", "", code).lower()


def _stored(code: str) -> str:
    """Return 80 bits of a keyed hash of a recovery code, in the 16 characters that its column has."""
    digest = salted_hmac("study.services.second_factor", code, algorithm="sha256").digest()
    return base64.b32encode(digest[:10]).decode().lower()
