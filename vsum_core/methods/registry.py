"""Which explanation methods there are.

A method is one file of this package that defines ``METHOD``::

    METHOD = Method(name="my-method", source="Who, what, where, when", constants=MyConfig(), relevance=relevance)

Add its name and module to ``_METHOD_MODULES``; the module is imported when the name is looked up.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable

from vsum_core.methods.method import Method

CRISP_MASKS = "visual-summaries"
"""The method of arXiv 1801.09103, whose crisp masks tell the others how much to delete."""

ALL = "all"

_METHOD_MODULES = {
    CRISP_MASKS: "vsum_core.methods.crisp_masks",
    "smooth-masks": "vsum_core.methods.smooth_masks",
    "extremal-perturbation": "vsum_core.methods.extremal_perturbation",
    "grad-cam": "vsum_core.methods.grad_cam",
    "integrated-gradients": "vsum_core.methods.integrated_gradients",
    "rise": "vsum_core.methods.rise",
    "occlusion": "vsum_core.methods.occlusion",
    "ace": "vsum_core.methods.concepts",
}


class UnknownMethodError(LookupError):
    """There is no explanation method of this name; the message lists the known ones."""


def method_names() -> tuple[str, ...]:
    """Every name that :func:`load_method` knows."""
    return tuple(_METHOD_MODULES)


def load_method(name: str) -> Method:
    """The named method.

    Raises:
        UnknownMethodError: no such method.
    """
    if name not in _METHOD_MODULES:
        near = difflib.get_close_matches(name, _METHOD_MODULES, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UnknownMethodError(
            f"Unknown explanation method {name!r}; known methods: {', '.join(_METHOD_MODULES)} (or {ALL}).{hint}"
        )
    method: Method = importlib.import_module(_METHOD_MODULES[name]).METHOD
    return method


def methods_named(names: str | Iterable[str]) -> tuple[Method, ...]:
    """Methods from comma-separated names or a list of them, each once, in their order; ``all`` gives every method.

    Raises:
        UnknownMethodError: a name is unknown.
        ValueError: there is no name.
    """
    listed = names.split(",") if isinstance(names, str) else list(names)
    wanted = [name.strip() for name in listed if name.strip()]
    if not wanted:
        raise ValueError(f"Give at least one explanation method: {', '.join(_METHOD_MODULES)} (or {ALL}).")
    expanded = [name for given in wanted for name in (method_names() if given == ALL else (given,))]
    return tuple(load_method(name) for name in dict.fromkeys(expanded))
