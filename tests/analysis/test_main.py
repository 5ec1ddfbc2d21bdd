"""The command line: exit codes, quiet pipes, one-line errors."""

import json

import pytest

from analysis.__main__ import main
from tests.analysis.conftest import make_export


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return make_export(tmp_path_factory.mktemp("cli"), classes=["robin"], participants=4, trials=8, pictures=False)


def test_prints_tab_separated_lines_into_a_pipe(directory, capsys):
    assert main([str(directory), "--bootstrap", "50"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all(len(line.split("\t")) == 4 for line in lines)


def test_writes_the_report_and_json(directory, tmp_path, capsys):
    out, numbers = tmp_path / "out", tmp_path / "numbers.json"
    assert main([str(directory), "--out", str(out), "--json", str(numbers), "--bootstrap", "50", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert (out / "report.html").exists()
    assert json.loads(numbers.read_text(encoding="utf-8"))["options"]["draws"] == 50
    page = tmp_path / "named.html"
    assert main([str(directory), "--out", str(page), "--bootstrap", "50", "--quiet"]) == 0
    assert page.exists()


def test_a_bad_export_is_named_in_one_line(tmp_path, capsys):
    assert main([str(tmp_path / "nowhere")]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "no such directory" in error


@pytest.mark.parametrize("extra", [["--method", "lime"], ["--bootstrap", "0"]])
def test_bad_choices_say_what_was_expected(directory, capsys, extra):
    assert main([str(directory), *extra]) == 2
    assert "Expected" in capsys.readouterr().err


def test_a_place_that_cannot_be_written(directory, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert main([str(directory), "--out", str(tmp_path / "file" / "x"), "--bootstrap", "50", "--quiet"]) == 3
    assert "--out" in capsys.readouterr().err
