"""Agreement and interpretability statistics for studies of visual summaries. Imports neither Django nor torch.

In a notebook::

    import analysis

    evaluation = analysis.evaluate(analysis.load("exports/robin"))
    evaluation.results.frame()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.evaluation import evaluate
    from analysis.report import write_report
    from analysis.schema import load

__all__ = ["evaluate", "load", "write_report"]

_HOMES = {"evaluate": "analysis.evaluation", "load": "analysis.schema", "write_report": "analysis.report"}


def __getattr__(name: str) -> Any:
    """Import pandas and matplotlib only when one of the public functions is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
