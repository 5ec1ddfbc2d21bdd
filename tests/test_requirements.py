"""`REQUIRE_…=1` turns a skip of the tests it names into a failure, and no other skip."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TESTS = """
import pytest

@pytest.fixture
def browser():
    pytest.skip("no chromium")

@pytest.mark.browser
def test_pages(browser):
    pass

@pytest.mark.postgresql
def test_locks():
    pytest.skip("no server")

@pytest.mark.postgresql
def test_server(postgresql_url):
    assert postgresql_url == "postgresql://nobody:secret@127.0.0.1:9/none"

def test_photographs():
    pytest.skip("no photographs")
"""


@pytest.mark.parametrize(
    ("variables", "counts"),
    [
        ({}, "4 skipped"),
        ({"REQUIRE_BROWSER": "1"}, "3 skipped, 1 error"),
        ({"REQUIRE_POSTGRESQL": "1"}, "1 failed, 2 skipped, 1 error"),
        ({"REQUIRE_BROWSER": "0", "REQUIRE_POSTGRESQL": ""}, "4 skipped"),
    ],
)
def test_required_tests_may_not_be_skipped(tmp_path, variables, counts):
    file = tmp_path / "test_skips.py"
    file.write_text(TESTS)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REQUIRE_")}
    environment |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    environment |= {"TEST_POSTGRESQL_URL": "postgresql://nobody:secret@127.0.0.1:9/none"} | variables
    command = [sys.executable, "-m", "pytest", "-q", "-p", "conftest", "-p", "no:cacheprovider", "-n0"]
    result = subprocess.run(
        [*command, f"--rootdir={ROOT}", "-c", ROOT / "pyproject.toml", file],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert counts in result.stdout.splitlines()[-1], result.stdout + result.stderr
    assert "secret" not in result.stdout
    for variable, value in variables.items():
        assert (f"{variable}=1, but this test would be skipped" in result.stdout) is (value == "1")
