"""Constructs that run what they are given, read from the syntax trees: none is used outside the places named here."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("vsum_core", "study", "analysis", "config", "benchmarks")
MADE_BY_US = {"study/research/views/account.py", "study/research/charts.py"}
"""Modules that mark text as HTML: a QR code of our own key, and charts of numbers."""

QUOTES_NAMES = {"study/backups/databases.py"}
"""Modules whose statements name tables of our own models; a backup counts the rows of each."""

COMPILED_BY_DJANGO = {"study/prepared.py"}
"""Modules that run statements as Django's compilers have written them, with their parameters."""

TALKS_TO_ITSELF = {("vsum_core/engines/bench.py", "pickle.loads")}
"""What unpickles bytes that the same run has pickled a moment ago, for a process or a computer of its own."""


def calls():
    """Every call in the code, as path, dotted name and node."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield str(path.relative_to(ROOT)), ast.unparse(node.func), node


def keyword(node, name):
    return next((ast.unparse(one.value) for one in node.keywords if one.arg == name), None)


def test_checkpoints_are_read_as_weights_only():
    loads = [(path, keyword(node, "weights_only")) for path, name, node in calls() if name == "torch.load"]
    assert len(loads) >= 3
    assert [path for path, weights_only in loads if weights_only != "True"] == []


def test_arrays_are_read_without_pickle():
    assert [path for path, name, node in calls() if keyword(node, "allow_pickle") == "True"] == []


def test_nothing_evaluates_or_unpickles():
    forbidden = {"eval", "exec", "pickle.load", "pickle.loads", "yaml.load", "marshal.loads", "os.system", "os.popen"}
    assert {(path, name) for path, name, _node in calls() if name in forbidden} - TALKS_TO_ITSELF == set()


def test_no_shell():
    assert [path for path, _name, node in calls() if keyword(node, "shell") not in (None, "False")] == []


def test_sql_is_written_by_the_orm_or_has_parameters():
    """A statement is a constant, never put together from text; but names of tables cannot be parameters."""
    raw = [(path, node) for path, name, node in calls() if name.split(".")[-1] in {"execute", "raw", "RawSQL"}]
    in_study = [(path, node) for path, node in raw if path.startswith(("study/", "config/"))]
    composed = {path for path, node in in_study if node.args and not isinstance(node.args[0], ast.Constant)}
    assert composed <= QUOTES_NAMES | COMPILED_BY_DJANGO


def test_text_becomes_html_in_two_places_only():
    marked = {path for path, name, _node in calls() if name.split(".")[-1] in {"mark_safe", "SafeString"}}
    assert marked <= MADE_BY_US
    templates = [path for path in (ROOT / "templates").rglob("*.html") if "|safe" in path.read_text(encoding="utf-8")]
    templates += [path for path in (ROOT / "templates").rglob("*.html") if "autoescape off" in path.read_text("utf-8")]
    assert templates == []


def test_secrets_come_from_the_system_s_generator():
    """`random` is for science; tokens, nonces and keys are made by `secrets`."""
    for path in sorted((ROOT / "study").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "token" in path.stem or "def new_token" in text:
            assert "import secrets" in text and "import random" not in text, path
