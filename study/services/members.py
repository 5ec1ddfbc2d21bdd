"""Who belongs to a study, and who codes its names."""

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from study.models import Membership, Role, Study
from study.services.audit import COMMAND_LINE, record


class MemberError(ValueError):
    """A membership cannot change; the message says why and what to do."""


@transaction.atomic
def set_member(study: Study, user: AbstractBaseUser, role: Role, *, actor: str = COMMAND_LINE) -> Membership:
    """Give somebody a role in a study, in place of the one they had.

    Raises:
        MemberError: the study would be left without an administrator.
    """
    Study.objects.select_for_update().get(pk=study.pk)
    known = Membership.objects.filter(study=study, user_id=user.pk).first()
    before = known.role if known else None
    if before == Role.ADMINISTRATOR and role != Role.ADMINISTRATOR:
        _keep_an_administrator(study, without=user)
    membership, _ = Membership.objects.update_or_create(study=study, user_id=user.pk, defaults={"role": role})
    if before != role:
        changes = {"role": [before, role.value]}
        record("change member", actor=actor, study=study.slug, target=user.get_username(), changes=changes)
    return membership


@transaction.atomic
def remove_member(study: Study, user: AbstractBaseUser, *, actor: str = COMMAND_LINE) -> None:
    """Take somebody's role away; codes they gave stay.

    Raises:
        MemberError: the study would be left without an administrator.
    """
    Study.objects.select_for_update().get(pk=study.pk)
    membership = Membership.objects.filter(study=study, user_id=user.pk).first()
    if membership is None:
        return
    if membership.role == Role.ADMINISTRATOR:
        _keep_an_administrator(study, without=user)
    membership.delete()
    changes = {"role": [membership.role, None]}
    record("remove member", actor=actor, study=study.slug, target=user.get_username(), changes=changes)


def _keep_an_administrator(study: Study, *, without: AbstractBaseUser) -> None:
    others = study.memberships.filter(role=Role.ADMINISTRATOR).exclude(user_id=without.pk)
    if not others.exists():
        raise MemberError("A study needs an administrator; make somebody else one first.")
