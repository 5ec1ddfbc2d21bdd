"""Pages for what no view has foreseen; the database is really away in these processes."""

import json
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.urls import path

import config.urls

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import django, json, logging
django.setup()
from django.test import Client
logging.disable(logging.CRITICAL)
client = Client(raise_request_exception=False)
headers = {"host": "localhost", "cookie": "sessionid=" + "a1b2c3d4" * 4, "accept-language": "it"}
pages = {}
for path in ("/s/birds/", "/p/kX3_9fQ-zz81LmPq0aBcDe/", "/research/", "/healthz", "/readyz"):
    response = client.get(path, headers=headers)
    pages[path] = [response.status_code, response.headers.get("Retry-After"), response.content.decode()]
print(json.dumps(pages))
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """What the server answers while nothing listens where the database should be."""
    variables = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": "postgresql://nobody:secret@127.0.0.1:9/none",
        "DATABASE_POOL": "0",
        "VAR_DIRECTORY": str(tmp_path_factory.mktemp("var")),
    }
    command = [sys.executable, "-c", PROGRAM]
    result = subprocess.run(command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("address", ["/s/birds/", "/p/kX3_9fQ-zz81LmPq0aBcDe/", "/research/"])
def test_a_database_that_is_away_is_a_kind_page_and_says_when_to_come_back(pages, address):
    status, retry, text = pages[address]
    assert (status, int(retry) > 0) == (503, True)
    assert '<html lang="it"' in text and "study.css" in text
    assert ("Un momento" in text) is (address == "/research/")  # participants have a page with a button
    assert not any(word in text for word in ("secret", "127.0.0.1", "psycopg", "Traceback", "OperationalError"))


def test_the_process_lives_and_is_not_ready(pages):
    assert pages["/healthz"][0] == 200
    assert pages["/readyz"][0] == 503
    assert "does not answer" in pages["/readyz"][2]


@pytest.mark.django_db
def test_any_other_mistake_is_ours_and_shows_nothing_of_it(settings, client):
    urls = types.ModuleType("broken_urls")
    urls.urlpatterns = [*config.urls.urlpatterns, path("breaks/", lambda request: HttpResponse(1 / 0))]
    urls.handler500 = config.urls.handler500
    settings.ROOT_URLCONF = urls
    client.raise_request_exception = False
    response = client.get("/breaks/")
    assert response.status_code == 500
    text = response.content.decode()
    assert "The mistake is ours" in text
    assert "ZeroDivisionError" not in text and "broken_urls" not in text
