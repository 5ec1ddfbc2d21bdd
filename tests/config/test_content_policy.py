"""The content security policy: strict for everybody, relaxed for the admin's look and nothing else."""

import pytest

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
