"""`requirements.lock`: every package pinned with hashes, as `requirements.txt` allows, from nowhere in particular."""

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def locked():
    """Name → pinned version and number of hashes; a name may be pinned twice for different systems."""
    found = {}
    for block in re.split(r"\n(?=\S)", LOCK.strip()):
        requirement = Requirement(block.split("\\")[0].strip())
        (pin,) = requirement.specifier
        assert pin.operator == "==", requirement
        hashes = len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", block))
        found.setdefault(canonicalize_name(requirement.name), []).append((pin.version, hashes))
    return found


def wanted():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(text) for line in lines if (text := line.split("#")[0].strip())]


def test_every_package_is_pinned_with_hashes():
    assert len(locked()) > 50
    assert [name for name, pins in locked().items() if any(hashes == 0 for _version, hashes in pins)] == []


@pytest.mark.parametrize("requirement", wanted(), ids=lambda requirement: requirement.name)
def test_the_lock_satisfies_what_is_required(requirement):
    pins = locked().get(canonicalize_name(requirement.name))
    assert pins is not None, f"{requirement} is not locked: run make lock"
    assert all(requirement.specifier.contains(version) for version, _hashes in pins), f"{requirement}: run make lock"


def test_what_the_extras_of_required_packages_need_is_pinned_too():
    missing, extras = set(), 0
    for requirement in wanted():
        for extra in requirement.extras:
            needs = [Requirement(text) for text in metadata.requires(requirement.name) or []]
            asked_for = [need for need in needs if need.marker is not None and is_for(need, extra)]
            extras += len(asked_for)
            missing |= {
                f"{requirement} needs {need}" for need in asked_for if canonicalize_name(need.name) not in locked()
            }
    assert extras >= 3  # binary, pool, compat
    assert missing == set(), "run make lock"


def is_for(need, extra):
    """Tell whether a package is needed because of an extra, on this system."""
    return need.marker.evaluate({"extra": extra}) and not need.marker.evaluate({"extra": ""})


def test_what_pinned_packages_need_is_pinned_too():
    """Read from what is installed here: nothing that one of them requires on this system is missing."""
    missing = set()
    for name in locked():
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # for another system
            continue
        for need in map(Requirement, needs):
            if (need.marker is None or need.marker.evaluate({"extra": ""})) and canonicalize_name(
                need.name
            ) not in locked():
                missing.add(f"{name} needs {need}")
    assert missing == set()


def test_the_lock_names_no_place():
    assert not re.search(r"https?://|file:|--(extra-)?index-url|--find-links|@ ", LOCK)
