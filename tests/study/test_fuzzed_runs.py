"""Run directories that are damaged or made up: imported whole, or refused with a message that says why."""

import copy
import hashlib
import json
import shutil

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from study.allocation import PlanError
from study.exports import export_study
from study.models import Condition, ImportedRun, Prediction, Stimulus
from study.run_directory import RunDirectoryError, read_manifest
from study.services.runs import import_run
from tests.study.conftest import write_run

REFUSED = (RunDirectoryError, PlanError)
FUZZ = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([-1, 0, 10**400, 1e308, float("nan"), "\0", "\ud800", "../../etc/passwd", "x" * 300, "=1+1", ""])
    | st.floats()
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("small-run")
    write_run(directory, networks=("small",))
    return directory


@pytest.fixture
def run(small_run, tmp_path):
    """A copy of the run, to be damaged."""
    shutil.copytree(small_run, tmp_path / "run")
    return tmp_path / "run"


def paths_of(value, path=()):
    """Every place in a document, the document itself left out."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield (*path, key)
        yield from paths_of(entry, (*path, key))


def import_or_refuse(draft, run, tmp_path):
    """Import into a transaction that is undone; what is imported can be exported."""
    with transaction.atomic():
        try:
            import_run(draft, run)
        except REFUSED:
            transaction.set_rollback(True)
            return
        export_study(draft, tmp_path / "export")
        transaction.set_rollback(True)


def nothing_is_stored():
    return not any(model.objects.exists() for model in (ImportedRun, Condition, Stimulus, Prediction))


@given(data=st.data())
@hypothesis_settings(max_examples=60, **FUZZ)
def test_any_value_anywhere_in_the_manifest(draft, run, tmp_path, data):
    manifest = json.loads((run / "manifest.json").read_text())
    original = copy.deepcopy(manifest)
    for _ in range(data.draw(st.integers(1, 2))):
        *path, last = data.draw(st.sampled_from(list(paths_of(manifest))))
        place = manifest
        for key in path:
            place = place[key]
        match data.draw(st.sampled_from(["replace", "delete", "repeat"])):
            case "replace":
                place[last] = data.draw(JSON)
            case "delete":
                del place[last]
            case "repeat" if isinstance(place, list):
                place.append(copy.deepcopy(place[last]))
    (run / "manifest.json").write_text(json.dumps(manifest))
    import_or_refuse(draft, run, tmp_path)
    assert nothing_is_stored()
    (run / "manifest.json").write_text(json.dumps(original))


@given(content=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
@hypothesis_settings(max_examples=100, **FUZZ)
def test_any_bytes_as_manifest(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(RunDirectoryError):
        read_manifest(tmp_path)


def test_a_manifest_that_nests_without_end(tmp_path):
    (tmp_path / "manifest.json").write_text("[" * 200_000)
    with pytest.raises(RunDirectoryError, match="not valid JSON"):
        read_manifest(tmp_path)


@given(data=st.data())
@hypothesis_settings(max_examples=60, **FUZZ)
def test_pictures_of_any_bytes_under_their_true_hash(draft, run, tmp_path, data):
    """Whoever makes up a run can make up its hashes, too; then the bytes have to speak for themselves."""
    manifest = json.loads((run / "manifest.json").read_text())
    files = manifest["summaries"][0]["files"]
    content = bytearray((run / files["grid"]).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 6))] = data.draw(st.binary(max_size=6))
    content = bytes(content[: data.draw(st.integers(0, len(content)))]) if data.draw(st.booleans()) else bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    made_up = f"objects/{sha256[:2]}/{sha256}.{data.draw(st.sampled_from(['webp', 'png', 'jpg']))}"
    (run / made_up).parent.mkdir(exist_ok=True)
    (run / made_up).write_bytes(content)
    kind = data.draw(st.sampled_from(["grid", "cells", "crops"]))
    if kind == "grid":
        files["grid"] = made_up
    else:
        files[kind][0]["file"] = made_up
    original = (run / "manifest.json").read_text()
    (run / "manifest.json").write_text(json.dumps(manifest))
    import_or_refuse(draft, run, tmp_path)
    assert nothing_is_stored()
    (run / "manifest.json").write_text(original)


@pytest.mark.parametrize("name", ["manifest.json", "picture"])
def test_directories_in_the_place_of_files(draft, run, name):
    picture = json.loads((run / "manifest.json").read_text())["summaries"][0]["files"]["grid"]
    path = run / (picture if name == "picture" else name)
    path.unlink()
    path.mkdir()
    with pytest.raises(RunDirectoryError, match=r"does not exist|is missing"):
        import_run(draft, run)
    with pytest.raises(CommandError):
        call_command("import_stimuli", run, study=draft.slug, quiet=True)
    assert nothing_is_stored()
