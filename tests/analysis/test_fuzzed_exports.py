"""Exports that are damaged anywhere: loaded, or refused with complaints that name the place; never another error."""

import copy
import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import analysis
from analysis.complaints import ExportError
from analysis.plan import canonical_sha256
from analysis.simulate import StudyDesign, simulate_study
from analysis.simulated_export import write_simulated_export

FUZZ = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([10**400, "\0", "\ud800", "../..", "=1+1", "x" * 300])
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CELL = st.text(max_size=12) | st.sampled_from(["", "NaN", "1e999", "-0", "9" * 40, '"', "a,b", "a\nb", "\r", "\0", "ÿ"])


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    """A small export with a manifest and a study file."""
    directory = tmp_path_factory.mktemp("sound") / "export"
    design = StudyDesign(participants=3, classes=2, summaries=2, random_regions=1)
    write_simulated_export(simulate_study(design, generator=np.random.default_rng(1)), directory)
    version = {"language": "en"}
    study = {
        "schema_version": "1.0",
        "study": "simulated",
        "title": "Birds",
        "preset": "paper-2018",
        "state": "closed",
        "invited": None,
        "opened": None,
        "versions": [
            {
                "version": 1,
                "sha256": canonical_sha256(version),
                "frozen_at": "2026-01-01T00:00:00.000Z",
                "design": version,
            }
        ],
        "analysis_plan": None,
    }
    (directory / "study.json").write_text(json.dumps(study))
    analysis.load(directory)
    return directory


@pytest.fixture
def export(sound, tmp_path):
    """A copy, to be damaged."""
    return shutil.copytree(sound, tmp_path / "export")


def load_or_complain(export):
    try:
        analysis.load(export)
    except ExportError as error:
        assert str(error)


@given(data=st.data())
@FUZZ
def test_any_bytes_anywhere_in_any_file(export, data):
    path = data.draw(st.sampled_from(sorted(path for path in export.rglob("*") if path.is_file())))
    before = path.read_bytes()
    content = bytearray(before)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, max(0, len(content) - 1)))
        content[place : place + data.draw(st.integers(0, 6))] = data.draw(st.binary(max_size=8))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    path.write_bytes(content)
    load_or_complain(export)
    path.write_bytes(before)


@given(data=st.data())
@FUZZ
def test_any_cell_in_any_table(export, data):
    path = export / data.draw(st.sampled_from(["responses_long.csv", "participants.csv", "stimuli.csv"]))
    before = path.read_text()
    lines = before.split("\n")
    number = data.draw(st.integers(0, len(lines) - 2))
    cells = lines[number].split(",")
    cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(CELL)
    lines[number] = ",".join(cells)
    path.write_text("\n".join(lines), errors="replace")
    load_or_complain(export)
    path.write_text(before)


@given(data=st.data())
@FUZZ
def test_any_value_anywhere_in_a_document(export, data):
    path = data.draw(st.sampled_from([export / "study.json", *sorted((export / "manifests").glob("*.json"))]))
    before = path.read_text()
    document = json.loads(before)
    *steps, last = data.draw(st.sampled_from([(), *paths_of(document)])) or (None,)
    if last is None:
        document = data.draw(JSON)
    else:
        place = document
        for step in steps:
            place = place[step]
        place[last] = copy.deepcopy(data.draw(JSON))
        if path.name == "study.json" and isinstance(document.get("versions"), list):
            rehash(document["versions"])
    path.write_text(json.dumps(document))
    load_or_complain(export)
    path.write_text(before)


def rehash(versions):
    """Let the hashes fit what was put in: whoever makes up a design can make up its hash."""
    for version in versions:
        if isinstance(version, dict) and "design" in version:
            try:
                version["sha256"] = canonical_sha256(version["design"])
            except ValueError:
                continue


def paths_of(value, path=()):
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield (*path, key)
        yield from paths_of(entry, (*path, key))


@pytest.mark.parametrize("name", ["study.json", "manifests/endless.json"])
@pytest.mark.parametrize("content", ["[" * 100_000, "1" * 5000, '{"run": []}', '{"run": {"digest": 1}}', "", "\ud800"])
def test_documents_that_are_none(export, name, content):
    (export / name).write_bytes(content.encode(errors="surrogatepass"))
    with pytest.raises(ExportError, match=name):
        analysis.load(export)


def test_a_lone_surrogate_in_a_design(export):
    study = json.loads((export / "study.json").read_text())
    study["versions"][0]["design"]["language"] = "\ud800"
    (export / "study.json").write_text(json.dumps(study))
    with pytest.raises(ExportError, match="lone surrogate"):
        analysis.load(export)


@pytest.mark.parametrize("clusterings", [{}, [1], [{"class": "robin"}], "robin"])
def test_clusterings_that_are_none(export, clusterings):
    (path,) = (export / "manifests").glob("*.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"clusterings": clusterings}))
    with pytest.raises(ExportError, match="no readable clusterings"):
        analysis.load(export)


@pytest.mark.parametrize("name", ["study.json", "responses_long.csv", "manifests/folder.json"])
def test_directories_in_the_place_of_files(export, name):
    (export / name).unlink(missing_ok=True)
    (export / name).mkdir()
    with pytest.raises(ExportError, match="cannot be read"):
        analysis.load(export)
