"""Speed of the mixed models: crossed random intercepts of participants and summaries, simulated answers.

    python -m benchmarks.models [--participants 300] [--summaries 60] [--json FILE]

Everybody judges everything. Seconds of processor time of one fit, from arrays to checked estimates.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from scipy import special

from analysis.models import FittedModel, fit_cumulative_link, fit_logistic

SPREADS = {"participant": 1.0, "summary": 0.8}
EFFECT = 0.5


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.models", description="Speed of the mixed models.")
    parser.add_argument("--participants", type=int, default=300)
    parser.add_argument("--summaries", type=int, default=60)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args(arguments)
    source = np.random.default_rng(1)
    people, units = np.divmod(np.arange(options.participants * options.summaries), options.summaries)
    network = (units % 2).astype(float)
    eta = EFFECT * network + source.normal(0, SPREADS["participant"], options.participants)[people]
    eta = eta + source.normal(0, SPREADS["summary"], options.summaries)[units]
    named = source.random(eta.size) < special.expit(eta)
    ratings = 1 + np.digitize(eta + source.logistic(size=eta.size), [-3, -2, -1, 0, 1, 2])
    groups = {"participant": people, "summary": units}
    both = np.column_stack([np.ones(eta.size), network])
    cases: dict[str, Callable[[], FittedModel]] = {
        "logistic": partial(fit_logistic, named, both, groups=groups, names=["(Intercept)", "network"]),
        "cumulative link, 7 steps": partial(
            fit_cumulative_link, ratings, both[:, 1:], groups=groups, names=["network"]
        ),
    }
    records = []
    print(f"{options.participants} participants × {options.summaries} summaries, {eta.size} answers, effect {EFFECT}")
    for name, fit in cases.items():
        start = time.process_time()
        model = fit()
        seconds = time.process_time() - start
        effect = model.coefficient("network").estimate
        spreads = ", ".join(f"{factor} {spread:.3f}" for factor, spread in model.deviations.items())
        print(f"{name:26} {seconds:6.2f} s   {effect.value:.3f} [{effect.low:.3f}, {effect.high:.3f}], SD {spreads}")
        print("\n".join(f"    {sentence}" for sentence in model.checks.sentences()))
        records.append({"what": name, "seconds": seconds, "answers": int(eta.size), "effect": effect.value})
    if options.json is not None:
        options.json.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
