"""Power and interval width against the number of participants, one panel per question."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator, PercentFormatter

from analysis.drawing import NETWORK_COLOURS, QUIET, STYLE
from analysis.power import MEASURES

TITLES = {
    "nameability": "Most are named",
    "agreement": "People agree",
    "difference": "Networks differ",
    "control": "Above random regions",
    "intruder": "Intruders are found",
}


def power_figure(table: pd.DataFrame, *, power: float = 0.8) -> Figure:
    """Draw power above and half-width of the interval below, a line per number of summaries.

    Args:
        table: from :func:`analysis.power.power_table`.
        power: that is wanted; a line is drawn there.
    """
    shown = [measure for measure in MEASURES if (table["measure"] == measure).any()]
    sizes = sorted(table["summaries"].unique())
    people = sorted(table["participants"].unique())
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(2.3 * len(shown) + 0.9, 4.8), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(2, len(shown), sharex=True, sharey="row", squeeze=False)
        for column, measure in enumerate(shown):
            above, below = axes[0][column], axes[1][column]
            for size, colour in zip(sizes, _colours(len(sizes)), strict=True):
                own = table[(table["measure"] == measure) & (table["summaries"] == size)].sort_values("participants")
                x = own["participants"].to_numpy(dtype=float)
                above.fill_between(x, own["power_low"], own["power_high"], color=colour, alpha=0.15, linewidth=0)
                above.plot(x, own["power"], color=colour, marker="o", markersize=3.5, label=f"{size} summaries")
                below.plot(x, own["half_width"].astype(float), color=colour, marker="o", markersize=3.5)
            above.axhline(power, color=QUIET, linewidth=0.8, linestyle=(0, (4, 3)))
            above.set_title(TITLES[measure], fontsize=9, loc="left")
            above.set_ylim(-0.03, 1.03)
            above.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            below.set_xlabel("participants")
            below.set_xscale("log")
            below.xaxis.set_major_locator(FixedLocator(people))
            below.xaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:.0f}"))
            below.xaxis.set_minor_locator(NullLocator())
            below.xaxis.set_minor_formatter(NullFormatter())
        widest = table["half_width"].astype(float).max()
        axes[1][0].set_ylim(0, 1.06 * widest if widest > 0 else 1)
        axes[0][0].set_ylabel("power")
        axes[1][0].set_ylabel("half-width of the interval")
        handles, labels = axes[0][0].get_legend_handles_labels()
        title = "per class and network"
        figure.legend(handles, labels, loc="outside lower center", ncols=len(sizes), frameon=False, title=title)
    return figure


def _colours(count: int) -> list[str]:
    return [NETWORK_COLOURS[at % len(NETWORK_COLOURS)] for at in range(count)]
