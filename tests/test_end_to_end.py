"""The whole way, as a newcomer goes it: `manage.py demo` in a process of its own, then a real server for people."""

import csv
import io
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from PIL import Image

from study.forms_in_pages import find_forms
from vsum_core import manifest as manifests

ROOT = Path(__file__).resolve().parent.parent
PARTICIPANTS = 6
LOADING = {"src", "srcset", "poster", "data", "background", "action"}
SERVER_PATIENCE = 30  # seconds

pytestmark = pytest.mark.slow


def environment(var):
    """That of a fresh checkout whose `var` lies elsewhere."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "DJANGO_"))}
    return inherited | {"VAR_DIRECTORY": str(var), "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory, trained_birds):
    """`var` after a demonstration, and what it printed."""
    var = tmp_path_factory.mktemp("demo")
    shutil.copytree(trained_birds / "drawn-birds", var / "networks" / "drawn-birds")
    options = ["--per-class", "5", "--participants", str(PARTICIPANTS), "--preset", "fast"]
    result = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "manage.py", "demo", *options, "--json", var / "table.json"],
        cwd=ROOT,
        env=environment(var),
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == ""
    return var, result.stdout


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_every_step_reports_and_the_end_says_where_things_are(demo):
    var, printed = demo
    for step in range(1, 6):
        assert f"{step} of 5  " in printed
    assert "Answers of programs, not of people" in printed
    for place in ("runs/demo-drawn-birds", "exports/demo", "reports/demo/report.html"):
        assert f"{var}/{place}" in printed
        assert (var / place).exists()
    assert "/s/demo/" in printed
    assert (var / "admin_password").read_text().strip() in printed
    assert (var / "admin_password").stat().st_mode & 0o077 == 0
    assert "\x1b" not in printed
    table = json.loads((var / "table.json").read_text())
    assert {(row["class"], row["network"]) for row in table} == {
        (species, network)
        for species in ("flamingo", "kingfisher", "peacock", "robin", "toucan")
        for network in ("bird-small", "bird-large")
    }


def test_the_manifest_is_valid_and_all_its_pictures_are_there(demo):
    directory = demo[0] / "runs" / "demo-drawn-birds"
    manifest = manifests.read(directory)
    assert manifest["run"]["synthetic"] is True
    assert manifest["run"]["preset"] == "fast"
    assert len(manifest["images"]) == 25
    assert all(network["images_correct"] > 15 for network in manifest["networks"])
    assert {summary["arm"] for summary in manifest["summaries"]} == {"summaries", "random-regions"}
    for summary in manifest["summaries"]:
        for picture in [*summary["files"]["cells"], *summary["files"]["crops"]]:
            with Image.open(directory / picture["file"]) as image:
                assert image.size == (picture["width"], picture["height"])
        assert (directory / summary["files"]["grid"]).is_file()
    for mask in manifest["masks"]:
        assert mask["p_sharp"] <= mask["p0"]
        with Image.open(directory / mask["file"]) as image:
            assert image.size == (112, 112)


def test_masks_are_worth_more_than_chance(demo):
    """Regions of summaries matter to the networks; regions of the same size elsewhere matter less."""
    manifest = manifests.read(demo[0] / "runs" / "demo-drawn-birds")
    drops = {"summaries": [], "random-regions": []}
    for summary in manifest["summaries"]:
        drops[summary["arm"]].append(summary["quality"]["mean_drop"])
    assert len(drops["summaries"]) == len(drops["random-regions"]) >= 5
    mean = {arm: sum(values) / len(values) for arm, values in drops.items()}
    assert mean["summaries"] > 1.5 * mean["random-regions"]


def test_export_columns_are_those_of_the_contract_in_their_order(demo):
    export = demo[0] / "exports" / "demo"
    contract = json.loads((ROOT / "contracts" / "long_table.json").read_text())
    for name, table in contract["tables"].items():
        columns = [column["name"] for column in table["columns"]]
        path = export / f"{name}.csv"
        assert path.read_text(encoding="utf-8").partition("\n")[0].split(",") == columns
        rows = rows_of(path)
        assert len({tuple(row[part] for part in table["key"]) for row in rows}) == len(rows)
        required = [column["name"] for column in table["columns"] if column["required"]]
        assert all(row[name] != "" for row in rows for name in required)
    stimuli = rows_of(export / "stimuli.csv")
    assert all((export / row["picture"]).is_file() for row in stimuli)
    lines = (export / "responses_long.jsonl").read_text().splitlines()
    assert len(lines) == len(rows_of(export / "responses_long.csv"))


def test_every_answer_leads_back_to_a_summary_of_the_run(demo):
    export = demo[0] / "exports" / "demo"
    manifest = manifests.read(demo[0] / "runs" / "demo-drawn-birds")
    summaries = {summary["id"]: summary for summary in manifest["summaries"]}
    main = [row for row in rows_of(export / "responses_long.csv") if row["phase"] == "main"]
    assert len({row["participant"] for row in main}) == PARTICIPANTS
    for row in main:
        summary = summaries[row["summary"]]
        assert (row["class"], row["network"], row["arm"]) == (summary["class"], summary["network"], summary["arm"])
        assert row["run_digest"] == manifest["run"]["digest"]


def test_programs_are_marked_as_programs_everywhere(demo):
    var, _ = demo
    export = var / "exports" / "demo"
    for table in ("responses_long", "participants"):
        assert {row["simulated"] for row in rows_of(export / f"{table}.csv")} == {"true"}
    assert {row["source"] for row in rows_of(export / "participants.csv")} == {"simulated"}
    for line in (export / "responses_long.jsonl").read_text().splitlines():
        assert json.loads(line)["simulated"] is True
    assert "no finding" in json.loads((export / "dataset_description.json").read_text())["description"]
    results = json.loads((var / "reports" / "demo" / "results.json").read_text())
    assert results["simulated"] is True
    assert "made by a program" in results["answer"]
    assert "made by a program" in (var / "reports" / "demo" / "report.html").read_text()


def test_results_are_numbers_with_intervals_or_reasons(demo):
    def no_constant(name):
        raise ValueError(f"{name} is no JSON")

    results = json.loads((demo[0] / "reports" / "demo" / "results.json").read_text(), parse_constant=no_constant)
    assert [claim["key"] for claim in results["claims"]][:1] == ["meaning"]
    assert len(results["claims"]) == 4
    for record in results["results"]:
        if record["value"] is None:
            assert record["reason"]
        elif record["low"] is not None:
            assert record["low"] <= record["high"]
            assert record["interval_method"]
    overall = {
        record["arm"]: record["value"]
        for record in results["results"]
        if record["statistic"] == "nameability" and record["scope"] == "arm"
    }
    assert overall["summaries"] > overall["random-regions"]


class References(HTMLParser):
    """What a page would load, run or send."""

    def __init__(self):
        super().__init__()
        self.loaded, self.styles, self._in_style = [], [], False

    def handle_starttag(self, tag, attributes):
        self._in_style = tag == "style"
        for name, value in attributes:
            loads = name in LOADING or (name in ("href", "xlink:href") and tag != "a") or name == "style"
            if loads and value:
                (self.styles if name == "style" else self.loaded).append(value)

    def handle_data(self, data):
        if self._in_style:
            self.styles.append(data)


def test_the_report_opens_without_a_network(demo):
    page = (demo[0] / "reports" / "demo" / "report.html").read_text()
    references = References()
    references.feed(page)
    assert [value for value in references.loaded if not value.startswith(("data:", "#"))] == []
    for style in references.styles:
        assert "@import" not in style
        assert [
            url for url in re.findall(r"url\(([^)]*)\)", style) if not url.strip("'\"").startswith(("data:", "#"))
        ] == []
    assert not re.search(r"\b(?:fetch|XMLHttpRequest|WebSocket|import)\s*\(", page)
    assert page.count("<svg") >= 3
    assert "data:image/webp;base64," in page


@pytest.fixture(scope="module")
def server(demo):
    """Gunicorn on a free port, with the database of the demonstration; yields its URL."""
    var, _ = demo
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", "127.0.0.1:0", "--workers", "1", "--threads", "4"],
        cwd=ROOT,
        env=environment(var),
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = queue.SimpleQueue()

    def read():
        for line in process.stderr:
            lines.put(line)
        lines.put(None)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    log = io.StringIO()
    try:
        address = None
        while address is None:
            line = lines.get(timeout=SERVER_PATIENCE)
            assert line is not None, log.getvalue()
            log.write(line)
            address = re.search(r"Listening at: (http://\S+)", line)
        yield address[1]
    finally:
        process.terminate()
        process.wait(timeout=SERVER_PATIENCE)
        reader.join(timeout=SERVER_PATIENCE)
        process.stderr.close()


def test_people_can_take_part_on_a_real_server(demo, server):
    with httpx.Client(base_url=server, follow_redirects=True, timeout=SERVER_PATIENCE) as browser:
        assert browser.get("/").status_code == 200
        entry = browser.get("/s/demo/")
        assert entry.status_code == 200
        (consent,) = [form for form in find_forms(entry.text) if form.method == "post"]
        page = browser.post(consent.action or "/s/demo/", data=consent.fields)
        assert page.status_code == 200
        assert re.fullmatch(r"/p/[\w-]+/", page.url.path)
        assert "no-store" in page.headers["cache-control"]
        (start,) = [form for form in find_forms(page.text) if form.action.endswith("/continue/")]
        trial = browser.post(start.action, data=start.fields)
        assert trial.status_code == 200
        assert any("/answer/" in form.action for form in find_forms(trial.text))
        for reference in re.findall(r'(?:src|href)="(/(?:static|stimuli)/[^"]+)"', trial.text):
            assert browser.get(reference).status_code == 200, reference
        assert "/static/study/" in trial.text
        assert browser.get("/admin/login/").status_code == 200
        assert browser.get("/s/none/").status_code == 404


def test_a_second_demonstration_computes_nothing_and_keeps_the_person(demo, server):
    """The person of the test before stays in study `demo`; the programs go to `demo-2`."""
    var, _ = demo
    options = ["--per-class", "5", "--participants", "1", "--preset", "fast"]
    result = subprocess.run(
        [sys.executable, "manage.py", "demo", *options],
        cwd=ROOT,
        env=environment(var),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    stages = re.findall(r"^(.*): (nothing to do|\d+ of \d+)$", result.stdout, flags=re.MULTILINE)
    computed = {name for name, done in stages if done != "nothing to do"}
    tables = json.loads((ROOT / "contracts" / "long_table.json").read_text())["tables"]
    assert computed <= {"pictures", "simulated participants", *tables}
    assert "/s/demo-2/" in result.stdout
    assert httpx.get(f"{server}/s/demo/", timeout=SERVER_PATIENCE).status_code == 200
