"""Which code produced a result: a digest of the source that a stage really depends on.

A stage's cache key contains the digest of its module and of every module of this package that it imports, directly or
not. Editing the renderer therefore leaves masks valid, while editing the blur does not; nobody has to remember to raise
a version number.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from pathlib import Path

import vsum_core

_ROOT = Path(vsum_core.__file__).parent


def _path_of(module: str) -> Path | None:
    relative = module.split(".")[1:]
    package = _ROOT.joinpath(*relative, "__init__.py")
    if package.exists():
        return package
    file = _ROOT.joinpath(*relative).with_suffix(".py") if relative else _ROOT / "__init__.py"
    return file if file.exists() else None


@functools.cache
def _imports(module: str) -> frozenset[str]:
    """Names of modules of this package that a module imports, at any level of nesting."""
    path = _path_of(module)
    if path is None:
        return frozenset()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return frozenset(name for name in found if name.startswith("vsum_core.") and _path_of(name) is not None)


@functools.cache
def modules_behind(module: str) -> tuple[str, ...]:
    """The module and every module of ``vsum_core`` that it imports, transitively, in alphabetical order."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen or _path_of(name) is None:
            continue
        seen.add(name)
        waiting.extend(_imports(name))
    return tuple(sorted(seen))


@functools.cache
def code_digest(module: str) -> str:
    """SHA-256 (hex) over the source of :func:`modules_behind`.

    Raises:
        ValueError: there is no such module in ``vsum_core``.
    """
    if _path_of(module) is None:
        raise ValueError(f"{module!r} is no module of vsum_core; give a dotted name such as 'vsum_core.masks'.")
    digest = hashlib.sha256()
    for name in modules_behind(module):
        path = _path_of(name)
        if path is not None:
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
