"""`docs/security.md`: every requirement once, every test and document there, every number right."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "security.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")

# How many requirements of levels 1 and 2 each section of ASVS 5.0.0 has; in every section they come before level 3's.
SECTIONS = """
    1.1:2 1.2:9 1.3:11 1.4:3 1.5:2
    2.1:3 2.2:3 2.3:4 2.4:1
    3.2:2 3.3:4 3.4:6 3.5:5 3.7:2
    4.1:3 4.2:1 4.3:2 4.4:4
    5.1:1 5.2:3 5.3:2 5.4:3
    6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4
    7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2
    8.1:2 8.2:3 8.3:1 8.4:1
    9.1:3 9.2:4
    10.1:2 10.2:2 10.3:4 10.4:11 10.5:5 10.6:2 10.7:3
    11.1:2 11.2:3 11.3:3 11.4:4 11.5:1 11.6:1
    12.1:3 12.2:2 12.3:4
    13.1:1 13.2:5 13.3:2 13.4:5
    14.1:2 14.2:4 14.3:3
    15.1:3 15.2:3 15.3:7
    16.1:1 16.2:5 16.3:4 16.4:3 16.5:3
    17.1:1 17.2:4 17.3:2
"""
REQUIRED = [
    f"{section}.{number}"
    for section, _, count in (entry.partition(":") for entry in SECTIONS.split())
    for number in range(1, int(count) + 1)
]
TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")


def requirements(cell):
    """`1.2.6–1.2.8` stands for three."""
    first, _, last = cell.partition("–")
    section, number = first.rsplit(".", 1)
    if last:
        assert last.rsplit(".", 1)[0] == section, cell
    return [f"{section}.{one}" for one in range(int(number), int(last.rsplit(".", 1)[-1] if last else number) + 1)]


def rows():
    """Requirement, its words, and what answers it."""
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and re.fullmatch(r"\d+\.\d+\.\d+(–\d+\.\d+\.\d+)?", cells[0]):
            for requirement in requirements(cells[0]):
                yield requirement, cells[1], cells[2]


def kind(answer):
    if answer.startswith("N/A: "):
        return "not applicable"
    if answer.startswith("Exempt: "):
        return "exempt, with the reason"
    if answer.startswith("document: "):
        return "answered in a document"
    assert TEST.fullmatch(answer), f"neither a test, nor a document, nor a reason: {answer}"
    return "shown by a test"


@cache
def functions_of(path):
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_requirement_stands_there_once():
    assert len(REQUIRED) == 253
    assert Counter(requirement for requirement, _words, _answer in rows()) == Counter(REQUIRED)


def test_every_chapter_has_its_heading():
    assert re.findall(r"^## V(\d+) ", TEXT, re.M) == [str(number) for number in range(1, 18)]


def test_the_counts_at_the_top_are_right():
    said = {name: int(number) for name, number in re.findall(r"^\| ([a-z, ]+) \| (\d+) \|$", TEXT, re.M)}
    assert said == Counter(kind(answer) for _requirement, _words, answer in rows())


def test_reasons_are_reasons():
    for requirement, _words, answer in rows():
        if kind(answer) == "exempt, with the reason":
            assert len(answer) > 40, requirement


@pytest.mark.parametrize("path", sorted({path for path, _name in TEST.findall(TEXT)}))
def test_every_test_that_is_named_exists(path):
    named = {name for file, name in TEST.findall(TEXT) if file == path}
    assert named - functions_of(path) == set()


def test_every_heading_that_is_linked_exists():
    for target in re.findall(r"\]\(([\w.]+#[\w-]+)\)", TEXT):
        name, _, anchor = target.partition("#")
        headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / name).read_text(encoding="utf-8"), re.M)
        assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}, target
