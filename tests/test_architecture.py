"""The import arrows of ARCHITECTURE.md, read from the syntax tree so that nothing has to be imported."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FORBIDDEN = {
    "vsum_core": {"django", "study", "analysis", "config", "pandas", "statsmodels"},
    "analysis": {"django", "study", "vsum_core", "config", "torch", "torchvision"},
    "study": {"vsum_core", "analysis", "torch", "torchvision", "pandas", "statsmodels", "matplotlib"},
    "config": {"vsum_core", "analysis", "torch", "torchvision"},
}


def python_files(package):
    return sorted(path for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts)


def imports(tree, *, everywhere):
    """Dotted names imported at module level, or, with ``everywhere``, inside functions too."""
    inside = set()
    if not everywhere:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                inside.update(id(child) for child in ast.walk(node) if child is not node)
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                inside.update(id(child) for child in ast.walk(node))
    for node in ast.walk(tree):
        if id(node) in inside:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module


def is_command(path):
    """Management commands and background tasks may import the other packages, inside their functions."""
    return "management" in path.parts or "background" in path.parts


@pytest.mark.parametrize("package", sorted(FORBIDDEN))
def test_arrows(package):
    files = python_files(package)
    assert files, f"{package} holds no Python files"
    wrong = []
    for path in files:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for name in imports(tree, everywhere=not is_command(path)):
            if name.partition(".")[0] in FORBIDDEN[package]:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


def test_the_web_process_loads_nothing_that_takes_long():
    """Import the WSGI application and the URL configuration in a fresh interpreter and look at what came along."""
    program = (
        "import sys; import config.wsgi; from django.urls import get_resolver; get_resolver().url_patterns; "
        "heavy = {'torch', 'vsum_core', 'analysis', 'pandas', 'matplotlib', 'scipy'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_no_module_outgrows_its_noun():
    long = {
        str(path.relative_to(ROOT)): count
        for package in FORBIDDEN
        for path in python_files(package)
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 450
    }
    assert long == {}


def test_no_room_for_everything():
    names = {"utils", "util", "common", "helpers", "misc"}
    assert [str(p) for package in FORBIDDEN for p in python_files(package) if p.stem in names] == []
