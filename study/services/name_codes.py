"""Codes for names: two coders blind to each other and to conditions, then the consensus."""

from collections.abc import Mapping

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from study.exports.privacy import plain_name
from study.models import Coder, Membership, NameCode, Study
from study.services.audit import COMMAND_LINE, record

SEATS = {1: Coder.FIRST, 2: Coder.SECOND}
LONGEST_CODE = 60


class CodingError(ValueError):
    """A code cannot be stored; the message says why and what to do."""


@transaction.atomic
def take_seat(study: Study, user: AbstractBaseUser) -> Coder:
    """Return which of the two coders somebody is; whoever comes first takes the first free seat.

    Raises:
        CodingError: both seats are taken by others, or the person does not belong to the study.
    """
    Study.objects.select_for_update().get(pk=study.pk)
    membership = Membership.objects.filter(study=study, user_id=user.pk).first()
    if membership is None:
        raise CodingError("Only members of the study code names; an administrator of the study can add you.")
    if membership.coder_seat is None:
        taken = set(study.memberships.exclude(coder_seat=None).values_list("coder_seat", flat=True))
        free = [seat for seat in SEATS if seat not in taken]
        if not free:
            raise CodingError("Two people code the names of this study already, and it takes exactly two.")
        membership.coder_seat = free[0]
        membership.save(update_fields=["coder_seat"])
        record("take coder seat", actor=user.get_username(), study=study.slug, target=SEATS[free[0]].value)
    return SEATS[membership.coder_seat]


@transaction.atomic
def store_codes(
    study: Study, class_name: str, codes: Mapping[str, str], *, coder: Coder, actor: str = COMMAND_LINE
) -> int:
    """Store one coder's codes for names of a class and return how many changed. An empty code says: no part at all.

    Codes are stored in the form of names, so that two spellings of one code are one code.

    Raises:
        CodingError: a code is too long, or the consensus is given for a name that is not coded twice yet.
    """
    now = timezone.now()
    stored = {code.name: code for code in NameCode.objects.filter(study=study, class_name=class_name, coder=coder)}
    changed = []
    for name, raw in codes.items():
        code = plain_name(raw)
        if len(code) > LONGEST_CODE:
            raise CodingError(f"The code for {name!r} has {len(code)} letters; use at most {LONGEST_CODE}.")
        if name in stored and stored[name].code == code:
            continue
        changed.append(NameCode(study=study, class_name=class_name, name=name, coder=coder, code=code, coded_at=now))
    NameCode.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["study", "class_name", "name", "coder"],
        update_fields=["code", "coded_at"],
    )
    if changed:
        record("code names", actor=actor, study=study.slug, target=f"{class_name}, {coder}: {len(changed)}")
    return len(changed)
