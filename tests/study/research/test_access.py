"""Who may open and change what: every page of the researchers' side, every role, one's own study and another's."""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import get_resolver

from study.access import GRANTS, Capability, may, role_in, studies_of, studies_with
from study.models import Role, Study
from study.presets import load_preset
from study.recruitment import Entry
from study.research import urls
from study.services.consent import give_consent
from study.services.members import set_member
from study.services.runs import import_run
from study.services.studies import create_study, launch_study

OPEN_TO_ALL = {"sign-in"}
FOR_ACCOUNTS = {"home", "create", "sign-out", "account", "password", "second-step", "change-second-factor"}
ROLES = (*Role, None)
ADMIN_OF = {
    "study": Capability.SEE_DESIGN,
    "condition": Capability.SEE_DESIGN,
    "importedrun": Capability.SEE_STIMULI,
    "slot": Capability.SEE_PARTICIPANTS,
    "stimulus": Capability.SEE_STIMULI,
    "participant": Capability.SEE_PARTICIPANTS,
    "event": Capability.SEE_PARTICIPANTS,
    "answer": Capability.SEE_PARTICIPANTS,
    "auditentry": Capability.SEE_HISTORY,
}


@pytest.fixture
def studies(db, run_directory):
    """Two studies with stimuli; accounts get their role in the first only."""
    made = [create_study(load_preset("paper-2018"), slug=slug) for slug in ("mine", "theirs")]
    for study in made:
        study.participants_planned = 2
        study.save()
        import_run(study, run_directory)
    return made


@pytest.fixture
def account(django_user_model, studies):
    def make(role):
        user = django_user_model.objects.create_user(f"{role or 'outsider'}", password="x", is_staff=True)
        if role is not None:
            set_member(studies[0], user, role)
        client = Client()
        client.force_login(user)
        return user, client

    return make


def study_patterns():
    return [pattern for pattern in urls.urlpatterns if pattern.name not in OPEN_TO_ALL | FOR_ACCOUNTS]


def path_of(pattern, study):
    stimulus = study.stimuli.first()
    values = {
        "slug": study.slug,
        "number": 1,
        "class_name": "robin",
        "identifier": stimulus.identifier,
        "table": "stimuli",
    }
    route = str(pattern.pattern)
    for name, value in values.items():
        for converter in ("slug", "int", "str", "path"):
            route = route.replace(f"<{converter}:{name}>", str(value))
    assert "<" not in route, route
    return f"/research/{route}"


def test_every_page_of_a_study_says_what_it_needs():
    for pattern in study_patterns():
        see, change = pattern.callback.capabilities
        assert isinstance(see, Capability) and isinstance(change, Capability), pattern.name


def test_every_capability_is_somebodys_and_used_or_granted_for_the_admin():
    used = {capability for pattern in study_patterns() for capability in pattern.callback.capabilities}
    used |= set(ADMIN_OF.values()) | {Capability.WITHDRAW_PARTICIPANTS, Capability.DELETE}
    assert used == set(Capability)
    assert GRANTS[Role.ADMINISTRATOR] == set(Capability)


@pytest.mark.parametrize("role", ROLES, ids=str)
def test_the_whole_matrix(role, studies, account):
    """No page answers 200, or changes anything, unless the role grants it in this very study."""
    _user, client = account(role)
    granted = GRANTS[role] if role else frozenset()
    for study in studies:
        inside = study.slug == "mine" and role is not None
        for pattern in study_patterns():
            see, change = pattern.callback.capabilities
            for method, needed in (("GET", see), ("POST", change)):
                if method not in pattern.callback.methods:
                    continue
                path = path_of(pattern, study)
                status = getattr(client, method.lower())(path).status_code
                allowed = inside and needed in granted
                if not inside:
                    assert status == 404, (role, method, path, status)
                elif not allowed:
                    assert status == 403, (role, method, path, status)
                else:  # 404 only where the thing itself does not exist, such as run 1
                    assert status in {200, 302, 404, 422}, (role, method, path, status)


def test_the_matrix_holds_for_rows_in_the_admin(studies, account):
    for role in ROLES:
        _user, client = account(role)
        granted = GRANTS[role] if role else frozenset()
        for model, needed in ADMIN_OF.items():
            page = client.get(f"/admin/study/{model}/")
            if needed not in granted:
                assert page.status_code == 403, (role, model)
                continue
            assert page.status_code == 200, (role, model)
            shown = {getattr(row, "slug", None) or _study_of(row) for row in page.context["cl"].queryset}
            assert shown <= {"mine"}, (role, model)
        for study in studies:
            status = client.get(f"/admin/study/study/{study.pk}/change/").status_code
            assert (status == 200) == (study.slug == "mine" and Capability.SEE_DESIGN in granted)


def test_the_admin_sends_nobody_to_a_participant_s_own_page(studies, account):
    for study in studies:
        launch_study(study)
        person = give_consent(study, Entry(source="open"), nonce=f"nonce-of-{study.slug}")
        kind = ContentType.objects.get_for_model(person)
        for role in ("administrator", "analyst"):
            client = account(Role(role))[1] if study == studies[0] else Client()
            response = client.get(f"/admin/r/{kind.pk}/{person.pk}/")
            assert response.status_code == 404
            assert person.token not in str(response.headers)


def _study_of(row):
    if hasattr(row, "study"):
        return row.study if isinstance(row.study, str) else row.study.slug
    if hasattr(row, "participant"):
        return row.participant.study.slug
    return row.trial.participant.study.slug


def test_strangers_are_sent_to_sign_in(studies, client):
    for pattern in study_patterns():
        response = client.get(path_of(pattern, studies[0]))
        assert response.status_code == 302
        assert response["Location"].startswith("/research/sign-in/?next=")
    assert client.get("/research/").status_code == 302
    assert client.get("/research/sign-in/").status_code == 200


def test_superusers_see_everything_and_switched_off_accounts_nothing(studies, django_user_model):
    chief = django_user_model.objects.create_superuser("chief", password="x")
    assert role_in(chief, studies[1]) == Role.ADMINISTRATOR
    assert set(studies_of(chief)) == set(studies_with(chief, Capability.DELETE)) == set(studies)
    gone = django_user_model.objects.create_user("gone", password="x", is_active=False)
    set_member(studies[0], gone, Role.RESEARCHER)
    assert not studies_of(gone).exists()
    assert not may(gone, Capability.SEE_DESIGN, studies[0])


def test_posts_need_the_form_s_token(studies, django_user_model):
    chief = django_user_model.objects.create_superuser("chief", password="x")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(chief)
    assert strict.post("/research/s/mine/launch/", {"action": "launch"}).status_code == 403
    assert Study.objects.get(slug="mine").state == "draft"


def test_research_urls_are_mounted_once():
    mounted = [pattern for pattern in get_resolver().url_patterns if str(pattern.pattern) == "research/"]
    assert len(mounted) == 1
