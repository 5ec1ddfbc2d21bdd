"""Who may do what in which study. Every page and every list of the researchers' side asks here, and nowhere else."""

from enum import StrEnum
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet

from study.models import Membership, Role, Study

Account = AbstractBaseUser | AnonymousUser


class Capability(StrEnum):
    """Something that a role may do in a study."""

    SEE_DESIGN = "see-design"
    CHANGE_DESIGN = "change-design"
    SEE_STIMULI = "see-stimuli"
    PREGENERATE = "pregenerate"
    PREVIEW = "preview"
    LAUNCH = "launch"
    MONITOR = "monitor"
    SEE_PARTICIPANTS = "see-participants"
    WITHDRAW_PARTICIPANTS = "withdraw-participants"
    EXPORT = "export"
    CODE_NAMES = "code-names"
    RESOLVE_NAMES = "resolve-names"
    SEE_HISTORY = "see-history"
    MANAGE_MEMBERS = "manage-members"
    DELETE = "delete"


_RESEARCHER = frozenset(Capability) - {
    Capability.MANAGE_MEMBERS,
    Capability.WITHDRAW_PARTICIPANTS,
    Capability.DELETE,
}
GRANTS: dict[Role, frozenset[Capability]] = {
    Role.ADMINISTRATOR: frozenset(Capability),
    Role.RESEARCHER: _RESEARCHER,
    Role.ANALYST: frozenset({Capability.EXPORT}),
    Role.CODER: frozenset({Capability.CODE_NAMES}),
}
"""What each role may do. Analysts get exports and nothing else; coders stay blind to everything but names."""


def role_in(user: Account, study: Study) -> Role | None:
    """Return somebody's role in a study; a superuser is administrator of every study, an outsider has none."""
    if not user.is_authenticated or not user.is_active:
        return None
    if _is_superuser(user):
        return Role.ADMINISTRATOR
    found = Membership.objects.filter(user_id=user.pk, study=study).values_list("role", flat=True).first()
    return Role(found) if found else None


def may(user: Account, capability: Capability, study: Study) -> bool:
    """Tell whether somebody may do something in a study."""
    role = role_in(user, study)
    return role is not None and capability in GRANTS[role]


def studies_with(user: Account, capability: Capability) -> QuerySet[Study]:
    """Return the studies in which somebody may do something."""
    if not user.is_authenticated or not user.is_active:
        return Study.objects.none()
    if _is_superuser(user):
        return Study.objects.all()
    roles = [role for role, granted in GRANTS.items() if capability in granted]
    return Study.objects.filter(memberships__user_id=user.pk, memberships__role__in=roles)


def studies_of(user: Account) -> QuerySet[Study]:
    """Return the studies in which somebody has any role."""
    if not user.is_authenticated or not user.is_active:
        return Study.objects.none()
    return Study.objects.all() if _is_superuser(user) else Study.objects.filter(memberships__user_id=user.pk)


def may_create_studies(user: Account) -> bool:
    """Tell whether somebody may make a new study, and so become its administrator."""
    account: Any = user
    return bool(user.is_authenticated and user.is_active and account.has_perm("study.add_study"))


def _is_superuser(user: Account) -> bool:
    return bool(getattr(user, "is_superuser", False))
