"""Fixtures for all tests, and what must be there where an environment variable says so.

| variable | meaning |
|---|---|
| `REQUIRE_BROWSER` | 1: a test of the browser that is skipped counts as failed |
| `REQUIRE_POSTGRESQL` | 1: likewise for tests that need PostgreSQL |
| `TEST_POSTGRESQL_URL` | the server to use; by default the user `postgres` on 127.0.0.1:5432, without a password |
"""

import fcntl
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = {"browser": "REQUIRE_BROWSER", "postgresql": "REQUIRE_POSTGRESQL"}
"""Marker → variable that forbids to skip it."""
POSTGRESQL_URL = "postgresql://postgres@127.0.0.1:5432/postgres"


@dataclass(frozen=True)
class SmallDisk:
    """A real disk in memory of a size that the test chooses, mounted on `directory`."""

    directory: Path

    def mount(self, *options):
        """Mount it, or change it with `remount`: the options of mount(8), such as `size=64k` or `ro`."""
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "small-disk", str(self.directory)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode and "remount" not in options:
            pytest.skip(f"no disk can be mounted here, which takes root and CAP_SYS_ADMIN ({done.stderr.strip()})")
        assert done.returncode == 0, done.stderr


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 KiB; `mount("remount", "size=…")` makes it larger, `mount("remount", "ro")` read-only."""
    if shutil.which("mount") is None:
        pytest.skip("the program mount is not there")
    disk = SmallDisk(tmp_path / "disk")
    disk.directory.mkdir()
    disk.mount("size=64k")
    yield disk
    subprocess.run(["umount", str(disk.directory)], check=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        for marker, variable in REQUIREMENTS.items():
            if item.get_closest_marker(marker) and os.environ.get(variable) == "1":
                reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
                report.outcome = "failed"
                report.longrepr = f"{variable}=1, but this test would be skipped. {reason}"
    return report


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, tmp_path_factory):
    """Test against a database file: one in memory has other locks than the one that holds people's answers."""
    from django.conf import settings

    database = settings.DATABASES["default"]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database.setdefault("TEST", {})["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(scope="session")
def postgresql_url():
    """URL of a PostgreSQL server that answers."""
    import psycopg

    url = os.environ.get("TEST_POSTGRESQL_URL") or POSTGRESQL_URL
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.Error as error:
        pytest.skip(f"no PostgreSQL server that TEST_POSTGRESQL_URL leads to ({str(error).splitlines()[0]})")
    return url


@pytest.fixture
def compiler():
    """What ``torch.compile`` needs on a CPU; what the test compiled is forgotten at its end."""
    if shutil.which(os.environ.get("CXX", "g++")) is None:
        pytest.skip("no C++ compiler, which torch.compile needs on a CPU")
    yield
    from vsum_core.compiled_network import forget_compiled

    forget_compiled()


@pytest.fixture(scope="session")
def trained_birds(tmp_path_factory):
    """A folder of weights with both networks for drawn birds: those in `var/networks`, or trained once for all workers.

    Training takes about a minute; it depends on the code that draws and trains, which the file's name stands for.
    """
    from vsum_core.networks.bird_training import ARCHITECTURES, BirdTrainingConfig
    from vsum_core.networks.drawn_birds import load, weights_path

    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "networks"
    shared.mkdir(exist_ok=True)
    with (shared / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in ARCHITECTURES:
            config = BirdTrainingConfig(architecture=name)
            path, trained = weights_path(config, shared), weights_path(config, ROOT / "var" / "networks")
            if path.exists():
                continue
            path.parent.mkdir(exist_ok=True)
            if trained.exists():
                shutil.copy(trained, path)
            else:
                load(name, cache=shared, config=config)
    return shared
