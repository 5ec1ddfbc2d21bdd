"""The content security policy: strict for everybody, relaxed for the admin's look and nothing else."""

import pytest
from csp.constants import NONCE, SELF
from csp.decorators import csp_exempt, csp_update
from django.http import HttpResponse
from django.test import override_settings

from config.content_policy import ContentPolicyMiddleware

pytestmark = pytest.mark.django_db


def policy(response):
    parts = (part.strip().split(" ") for part in response.headers["Content-Security-Policy"].split(";"))
    return {name: set(values) for name, *values in parts}


@pytest.mark.parametrize("path", ["/", "/research/sign-in/", "/nothing-here/", "/healthz"])
def test_no_inline_script_or_style_and_nobody_else_s(client, path):
    found = policy(client.get(path))
    assert found.pop("default-src") == found.pop("base-uri") == found.pop("frame-ancestors") == {"'none'"}
    assert all(values == {"'self'"} for values in found.values()), found
    assert found.keys() == {"script-src", "style-src", "img-src", "connect-src", "form-action"}


def test_the_admin_may_run_its_own_inline_scripts_but_load_nothing_from_elsewhere(client):
    found = policy(client.get("/admin/login/"))
    assert found["script-src"] == {"'self'", "'unsafe-inline'", "'unsafe-eval'"}
    assert found["default-src"] == found["frame-ancestors"] == {"'none'"}
    assert not any(value.startswith("http") or value == "*" for values in found.values() for value in values)


def test_other_headers(client):
    headers = client.get("/").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"


def test_a_policy_of_its_own_stays(rf):
    own = "default-src 'none'"
    response = ContentPolicyMiddleware(lambda request: HttpResponse(headers={"Content-Security-Policy": own}))(
        rf.get("/")
    )
    assert response.headers["Content-Security-Policy"] == own


def test_decorated_views_and_pages_with_a_nonce_get_what_the_library_makes(rf):
    def with_nonce(request):
        return HttpResponse(str(request.csp_nonce))

    changed = csp_update({"img-src": ["data:"]})(lambda request: HttpResponse())
    assert policy(ContentPolicyMiddleware(changed)(rf.get("/")))["img-src"] == {"'self'", "data:"}
    exempt = csp_exempt()(lambda request: HttpResponse())
    assert "Content-Security-Policy" not in ContentPolicyMiddleware(exempt)(rf.get("/")).headers
    with override_settings(CONTENT_SECURITY_POLICY={"DIRECTIVES": {"script-src": [SELF, NONCE]}}):
        response = ContentPolicyMiddleware(with_nonce)(rf.get("/"))
        assert f"'nonce-{response.content.decode()}'" in policy(response)["script-src"]


def test_a_policy_that_only_reports_is_sent_too(client):
    with override_settings(CONTENT_SECURITY_POLICY_REPORT_ONLY={"DIRECTIVES": {"img-src": [SELF]}}):
        headers = client.get("/").headers
    assert "img-src 'self'" in headers["Content-Security-Policy-Report-Only"].split("; ")
    assert "Content-Security-Policy" in headers


def test_other_settings_make_another_policy(client):
    before = policy(client.get("/"))
    with override_settings(CONTENT_SECURITY_POLICY={"DIRECTIVES": {"default-src": [SELF]}}):
        assert policy(client.get("/")) == {"default-src": {"'self'"}}
    assert policy(client.get("/")) == before
