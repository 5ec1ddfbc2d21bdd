"""How many mask steps converged images could be spared, and what it would cost: the case for retiring them early.

    python -m benchmarks.retirement DIR [--images 16] [--network efficientnet-lite0] [--preset default]
        [--tolerance 0.02 0.01] [--every 4] [--json FILE]

DIR holds photographs in any depth of subfolders; each image's own top-1 class is its target. Images are optimised in
batches; after every ``--every`` steps of the sharp stage each mask is rendered as it would be at the end (contrast of
the last step), cut at one half, and compared with what it was before. An image counts as converged when less than
``--tolerance`` of its pixels have changed sides; it would be retired then, with the mask it has. Printed are the share
of all steps that this would spare, and what the retired masks are worth against those of the full schedule: overlap,
area, and the score after the mask cut at one half.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.batch_independence import overlap
from vsum_core.config import MaskConfig, preset, preset_names
from vsum_core.images import read_image
from vsum_core.mask_loss import odds_terms, regularisation, wanted_log_odds
from vsum_core.masks import contrast_at, inscribed_circle, learning_rate_at, rendered, target_probabilities
from vsum_core.networks import Network, load_network
from vsum_core.perturbation import blend, blur

Masks = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Moment:
    """Masks (N, H, W) and scores (N,) of the cut masks, had the optimisation ended after so many sharp steps."""

    steps: int
    masks: Masks
    p: npt.NDArray[np.float64]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retirement", description="Steps that could be spared.")
    parser.add_argument("directory", type=Path, help="folder of photographs")
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--network", default="efficientnet-lite0")
    parser.add_argument("--preset", default="default", choices=preset_names())
    parser.add_argument("--tolerance", type=float, nargs="+", default=[0.02, 0.01])
    parser.add_argument("--every", type=int, default=4)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args(arguments)
    network, config = load_network(options.network), preset(options.preset).masks
    images, targets = _photographs(options.directory, network, options.images)
    moments = stopped_early(network, images, targets, config, every=options.every)
    records = [retired(moments, config, tolerance=tolerance) for tolerance in options.tolerance]
    for record in records:
        print(
            f"tolerance {record['tolerance']:.3f}: {100 * record['steps_spared']:.1f} % of the steps spared; retired "
            f"masks overlap those of the full schedule by {record['overlap']:.3f}; area {record['area']:.4f} for "
            f"{record['full_area']:.4f}, p of the cut mask {record['p']:.4f} for {record['full_p']:.4f}"
        )
    if options.json is not None:
        options.json.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")


def stopped_early(
    network: Network, images: torch.Tensor, targets: torch.Tensor, config: MaskConfig, *, every: int
) -> list[Moment]:
    """That of :mod:`vsum_core.masks` with PyTorch's Adam, looked at after every few steps of its sharp stage.

    Raises:
        ValueError: the two stages have grids of their own, which this loop does not know.
    """
    config = config.for_side(min(images.shape[-2:]))
    if config.smooth.resolution_divisor != config.sharp.resolution_divisor:
        raise ValueError("Both stages must have the same grid, as in the presets default and fast.")
    parts = [
        _one_batch(network, *batch, config, every=every)
        for batch in zip(torch.split(images, config.batch_size), torch.split(targets, config.batch_size), strict=True)
    ]
    return [
        Moment(
            moments[0].steps,
            np.concatenate([moment.masks for moment in moments]),
            np.concatenate([moment.p for moment in moments]),
        )
        for moments in zip(*parts, strict=True)
    ]


def _one_batch(
    network: Network, images: torch.Tensor, targets: torch.Tensor, config: MaskConfig, *, every: int
) -> list[Moment]:
    height, width = images.shape[-2:]
    blurred = blur(images, kernel_size=config.blur_kernel, sigma=config.blur_sigma)
    divisor = config.smooth.resolution_divisor
    masks = inscribed_circle(height // divisor, width // divisor).repeat(len(images), 1, 1, 1)
    with torch.no_grad():
        logits0 = network.logits(images)
    moments = []
    for stage in (config.smooth, config.sharp):
        variable = masks.clone().requires_grad_()
        decays = (stage.first_moment_decay, stage.second_moment_decay)
        optimiser = torch.optim.Adam([variable], betas=decays)
        wanted = wanted_log_odds(logits0, targets, share=stage.odds_target)
        for step in range(stage.steps):
            shown = rendered(variable, height=height, width=width, stage=stage, contrast=contrast_at(stage, step))
            logits = network.logits(blend(images, blurred, shown))
            loss = logits.softmax(1).gather(1, targets.view(-1, 1)).squeeze(1) + regularisation(variable, stage=stage)
            loss = loss + odds_terms(logits, targets, wanted, variable, stage=stage)
            optimiser.param_groups[0]["lr"] = learning_rate_at(stage, step)
            optimiser.zero_grad()
            loss.sum().backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            with torch.no_grad():
                variable.clamp_(0, 1)
            done = step + 1
            if stage is config.sharp and (done % every == 0 or done == stage.steps):
                with torch.no_grad():
                    sharp = rendered(variable, height=height, width=width, stage=stage, contrast=stage.contrast)
                    cut = blend(images, blurred, (sharp >= config.threshold).float())
                p = target_probabilities(network, cut, targets)
                moments.append(Moment(done, sharp[:, 0].numpy().copy(), p.double().numpy()))
        masks = variable.detach()
    return moments


def retired(moments: Sequence[Moment], config: MaskConfig, *, tolerance: float) -> dict[str, float]:
    """Share of steps spared and worth of the masks, if each image ended at the first moment that changed too little."""
    count, full = len(moments[0].masks), moments[-1]
    ends = [len(moments) - 1] * count
    for image in range(count):
        for place in range(1, len(moments)):
            changed = (moments[place].masks[image] < 0.5) != (moments[place - 1].masks[image] < 0.5)
            if changed.mean() < tolerance:
                ends[image] = place
                break
    all_steps = config.smooth.steps + config.sharp.steps
    spared = [full.steps - moments[end].steps for end in ends]
    deleted = [moments[end].masks[image] < 0.5 for image, end in enumerate(ends)]
    return {
        "tolerance": tolerance,
        "steps_spared": float(np.mean(spared)) / all_steps,
        "overlap": float(np.mean([overlap(mine, full.masks[i] < 0.5) for i, mine in enumerate(deleted)])),
        "area": float(np.mean([mine.mean() for mine in deleted])),
        "full_area": float((full.masks < 0.5).mean()),
        "p": float(np.mean([moments[end].p[image] for image, end in enumerate(ends)])),
        "full_p": float(full.p.mean()),
    }


def _photographs(directory: Path, network: Network, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    paths = sorted(path for path in directory.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    chosen = [paths[index] for index in np.linspace(0, len(paths) - 1, count).astype(int)]
    size = (network.specification.input_height, network.specification.input_width)
    pixels = np.stack([read_image(path, size=size) for path in chosen])
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        return images, network.logits(images).argmax(1)


if __name__ == "__main__":
    main()
