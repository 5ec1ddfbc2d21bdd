"""All figures of a report, as SVG for the page and as PNG for slides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.figure import Figure

from analysis import figures, further_figures
from analysis.drawing import STYLE, to_png, to_svg
from analysis.evaluation import Evaluation

MAKERS: dict[str, Callable[[Evaluation], Figure | None]] = {
    "nameability": figures.nameability_figure,
    "agreement": figures.agreement_figure,
    "levels": further_figures.levels_figure,
    "parts": figures.parts_figure,
    "networks": figures.networks_figure,
    "coherence": further_figures.coherence_figure,
    "intruder": further_figures.intruder_figure,
    "compare": further_figures.compare_figure,
    "predict": further_figures.predict_figure,
    "calibration": further_figures.calibration_figure,
    "behaviour": figures.behaviour_figure,
    "flow": further_figures.flow_figure,
}


@dataclass(frozen=True)
class Drawing:
    """One figure: SVG text and PNG bytes."""

    svg: str
    png: bytes


def all_drawings(evaluation: Evaluation) -> dict[str, Drawing]:
    """Every figure that the data allow, by name, in the order of the report."""
    drawn = {}
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        for name, make in MAKERS.items():
            figure = make(evaluation)
            if figure is not None:
                drawn[name] = Drawing(svg=to_svg(figure, name), png=to_png(figure))
    return drawn
