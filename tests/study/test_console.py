"""Bars and tables, in a pipe and for somebody who watches."""

import io
import json

import pytest
from django.core.management import CommandError
from django.core.management.base import OutputWrapper

from study.management.console import StageBars, console, print_table

NAMES = ["a [red] thing", "my.module:factory:", "[/bold]"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_names_are_printed_as_they_are():
    """Brackets are no markup, and a word between colons is no emoji."""
    output = io.StringIO()
    target = console(OutputWrapper(output))
    print_table(target, NAMES[0], NAMES, [NAMES])
    with StageBars(target) as bars:
        for name in NAMES:
            bars.start(name, 2)
            bars.advance(name, 2)
            bars.finish(name)
    printed = output.getvalue()
    for name in NAMES:
        assert printed.count(name) >= 3
        assert f"{name}: 2 of 2\n" in printed


def test_bars_show_names_as_they_are(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    output = Terminal()
    with StageBars(console(OutputWrapper(output))) as bars:
        for name in NAMES:
            bars.start(name, 2)
            bars.finish(name)
    for name in NAMES:
        assert name in output.getvalue()
    assert "2/2" in output.getvalue()


def test_quiet_and_pipes_and_stages_with_nothing_left():
    for quiet, expected in ((True, ""), (False, "masks: nothing to do\n")):
        output = io.StringIO()
        with StageBars(console(OutputWrapper(output), quiet=quiet)) as bars:
            bars.start("masks", 0)
            bars.finish("masks")
        assert output.getvalue() == expected


def test_numbers_have_three_digits_and_dashes_become_null(tmp_path):
    output = io.StringIO()
    rows = [["robin", 3, 0.12345], ["toucan", 4, "–"]]
    file = tmp_path / "new" / "table.json"
    print_table(console(OutputWrapper(output)), "Birds", ["class", "count", "p0"], rows, json=file)
    assert "0.123 " in output.getvalue()
    assert "0.1234" not in output.getvalue()
    assert json.loads(file.read_text()) == [
        {"class": "robin", "count": 3, "p0": 0.12345},
        {"class": "toucan", "count": 4, "p0": None},
    ]


def test_a_table_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(CommandError, match=r"Cannot write .*: Is a directory\. Choose another file for --json"):
        print_table(console(OutputWrapper(io.StringIO())), "Birds", ["class"], [["robin"]], json=tmp_path)
