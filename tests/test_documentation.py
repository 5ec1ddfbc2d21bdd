"""What the documents say about the code is checked against the code."""

import re
from pathlib import Path

import pytest

from vsum_core.config import as_dictionary, preset

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def flattened(values, prefix=""):
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def test_the_table_of_presets_lists_every_difference_and_nothing_else():
    table = {}
    for line in (ROOT / "docs" / "method.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and re.fullmatch(r"`[a-z_]+\.[a-z_.]+`", cells[0]):
            table[cells[0].strip("`")] = tuple(cells[1:4])
            assert cells[4] and cells[5] not in ("", "?"), f"{cells[0]} lacks a reason or what was measured"
    presets = [dict(flattened(as_dictionary(preset(name)))) for name in ("reference", "default", "fast")]
    differing = {
        name: tuple(str(values[name]) for values in presets)
        for name in presets[0]
        if name != "preset" and len({str(values[name]) for values in presets}) > 1
    }
    assert table == differing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_and_to_files_resolve(document):
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
    local = [target for target in targets if not target.startswith(("http://", "https://", "mailto:"))]
    assert [target for target in local if not (document.parent / target).exists()] == []
