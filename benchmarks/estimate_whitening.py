"""Estimate the background statistics that `vsum_core` whitens HOG with, and write them into `vsum_core/data/`.

    python -m benchmarks.estimate_whitening ../shared/data/caltech101

The folder holds photographs in any depth of subfolders. The numbers are committed, the photographs are not.
"""

import argparse
import datetime
import time
from pathlib import Path

from vsum_core.config import ProposalConfig
from vsum_core.images import read_image
from vsum_core.whitening_estimation import SCALES, estimate_background, write_statistics

SOURCE = "Caltech-101, categories accordion, dalmatian, flamingo, grand_piano, revolver, saxophone, schooner, scorpion"
CITATION = "Li, Andreeto, Ranzato, Perona: Caltech 101 (version 1.0), CaltechDATA 2022, doi 10.22002/D1.20086"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, help="folder of photographs")
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "vsum_core" / "data")
    parser.add_argument("--source", default=SOURCE, help="what the photographs are")
    parser.add_argument("--citation", default=CITATION)
    parser.add_argument("--license", default="CC BY 4.0")
    options = parser.parse_args()

    paths = sorted(path for path in options.images.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    side = ProposalConfig().frame_side
    started = time.perf_counter()
    statistics = estimate_background([read_image(path, size=(side, side)) for path in paths])
    provenance = {
        "what": "mean and stationary autocovariance of 31-feature HOG cells (Hariharan, Malik, Ramanan, ECCV 2012)",
        "source": options.source,
        "citation": options.citation,
        "license": options.license,
        "images": len(paths),
        "image_side": side,
        "scales": list(SCALES),
        "command": f"python -m benchmarks.estimate_whitening {options.images}",
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
    }
    write_statistics(statistics, options.output, provenance=provenance)
    print(f"{len(paths)} images, {statistics.cells} cells, {time.perf_counter() - started:.0f} s → {options.output}")


if __name__ == "__main__":
    main()
