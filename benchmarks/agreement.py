"""Speed of agreement: Krippendorff's α with its bootstrap on a large matrix of ratings, at every level.

    python -m benchmarks.agreement [--raters 500] [--units 2000] [--missing 0.3] [--draws 1000] [--json FILE]

Ratings are five ordered categories; ``interval (continuous)`` has as many values as ratings. Seconds of processor time,
from the matrix to the interval; set OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from analysis.agreement import UnitBootstrap, gwet_ac, krippendorff_alpha
from analysis.estimates import Estimate


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agreement", description="Speed of agreement.")
    parser.add_argument("--raters", type=int, default=500)
    parser.add_argument("--units", type=int, default=2000)
    parser.add_argument("--missing", type=float, default=0.3)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args(arguments)
    source = np.random.default_rng(0)
    shape = (options.raters, options.units)
    truth = source.integers(1, 6, options.units)
    ratings = np.where(source.random(shape) < 0.6, truth, source.integers(1, 6, shape)).astype(float)
    continuous = truth + source.normal(size=shape)
    lost = source.random(shape) < options.missing
    ratings[lost] = continuous[lost] = np.nan
    boot = UnitBootstrap(draws=options.draws, seed=1)
    cases: dict[str, Callable[[], Estimate]] = {
        level: partial(krippendorff_alpha, ratings=ratings, level=level, bootstrap=boot)
        for level in ("nominal", "ordinal", "interval", "ratio")
    }
    cases["interval (continuous)"] = partial(krippendorff_alpha, ratings=continuous, level="interval", bootstrap=boot)
    cases["AC2, quadratic"] = partial(gwet_ac, ratings=ratings, weights="quadratic", bootstrap=boot)
    records = []
    print(f"{options.raters} raters × {options.units} units, {options.missing:.0%} missing, {options.draws} draws")
    for name, compute in cases.items():
        start = time.process_time()
        estimate = compute()
        seconds = time.process_time() - start
        records.append({"what": name, "seconds": seconds, "value": estimate.value})
        print(f"{name:24} {seconds:6.2f} s   {estimate.value:.4f} [{estimate.low:.4f}, {estimate.high:.4f}]")
    if options.json is not None:
        options.json.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
