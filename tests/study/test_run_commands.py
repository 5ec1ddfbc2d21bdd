"""`manage.py compare_networks` and `edit_summaries` on a run made by hand."""

import importlib.util
import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

HAND_MADE = Path(__file__).resolve().parents[1] / "vsum_core" / "hand_made_run.py"


@pytest.fixture
def run(tmp_path):
    specification = importlib.util.spec_from_file_location("hand_made_run", HAND_MADE)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.write_run(tmp_path / "run")


def call(*arguments):
    output = io.StringIO()
    call_command(*(str(argument) for argument in arguments), stdout=output)
    return output.getvalue()


def test_networks_are_compared(run, tmp_path):
    printed = call("compare_networks", run, "--json", tmp_path / "table.json")
    assert "Do they find the same summaries?" in printed and "small-head" in printed
    rows = json.loads((tmp_path / "table.json").read_text())
    assert [(row["network"], row["summaries"], row["coverage"]) for row in rows] == [
        ("small", 2, 0.6),
        ("large", 1, None),
    ]


def test_summaries_are_merged_into_a_new_run(run, tmp_path):
    printed = call("edit_summaries", run, "--merge", "small-head,small-legs", "--out", tmp_path / "edited")
    assert "small-head,small-legs → small-head-merge-" in printed
    assert (tmp_path / "edited" / "manifest.json").is_file()


def test_a_summary_is_split(run, tmp_path):
    printed = call("edit_summaries", run, "--split", "small-head=img-0,img-1/img-2", "--out", tmp_path / "edited")
    assert printed.count("small-head-split-") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare_networks", "{nowhere}"], "no .*manifest.json"),
        (["edit_summaries", "{run}", "--out", "{out}"], "Give --merge or --split"),
        (["edit_summaries", "{run}", "--merge", "small-head,nothing", "--out", "{out}"], "no summary 'nothing'"),
        (["edit_summaries", "{run}", "--merge", "small-head,small-legs", "--out", "{run}"], "holds a run already"),
    ],
)
def test_errors_are_one_line(run, tmp_path, arguments, message):
    places = {"{nowhere}": tmp_path / "nowhere", "{run}": run, "{out}": tmp_path / "out"}
    with pytest.raises(CommandError, match=message) as caught:
        call(*(places.get(argument, argument) for argument in arguments))
    assert "\n" not in str(caught.value)
