"""Two small networks for the drawn birds, and their training: a known truth in about a minute on a CPU.

A trained network's confidence shall rest on the first field marks of a species (:data:`FIELD_MARKS`), in equal shares,
and on nothing else, so that what there is to be found is known. Three things see to that:

* some training birds borrow one part from another species; a borrowed field mark counts as missing;
* parts, and blobs that follow no part, are deleted at random (blurred, as the masks do it), and the target falls with
  the share of the field marks that cannot be seen; other parts, and the background, go without any loss;
* a bird without any field mark has the same target for every species.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from vsum_core.perturbation import blend, blur
from vsum_core.synthetic import SPECIES, Part, draw_bird
from vsum_core.synthetic.folder import part_indices
from vsum_core.synthetic.species import FIELD_MARKS

ARCHITECTURES = ("bird-small", "bird-large")

USUAL_FIELD_MARKS = {"bird-small": 2, "bird-large": 3}
"""How many field marks of each species a network is taught where the configuration does not say."""

_BLOB_GRID = (3, 9)  # fewest and most cells along a side of the noise that blobs are cut from

ProgressFunction = Callable[[int, int], None]
"""Called with the units of work done so far and their total."""


@dataclass(frozen=True, kw_only=True)
class BirdTrainingConfig:
    """Everything that determines the weights, apart from the code and the number of threads.

    Attributes:
        architecture: ``bird-small`` or ``bird-large``.
        side: of the square input in pixels.
        birds_per_species: drawn for training.
        epochs, batch_size, learning_rate: of AdamW with a one-cycle schedule.
        field_marks: how many of each species' :data:`FIELD_MARKS` the score shall rest on; None for
            :data:`USUAL_FIELD_MARKS` of the architecture.
        borrowed_share: share of the birds that take one part from another species.
        deleted_share: share of the training examples with deleted parts.
        blob_share: share of the training examples, among the others, with deleted blobs that follow no part.
        blur_kernel, blur_sigma: of the deletion, as in ``MaskConfig``.
        seed: of the drawings, the order and the initial weights.
    """

    architecture: str
    side: int = 112
    birds_per_species: int = 160
    epochs: int = 24
    batch_size: int = 32
    learning_rate: float = 0.006
    field_marks: int | None = None
    borrowed_share: float = 0.5
    deleted_share: float = 0.4
    blob_share: float = 0.6
    blur_kernel: int = 11
    blur_sigma: float = 10.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise ValueError(
                f"architecture must be one of {', '.join(ARCHITECTURES)}, but it is {self.architecture!r}."
            )
        for name in ("side", "birds_per_species", "epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, but it is {getattr(self, name)}.")
        for name in ("borrowed_share", "deleted_share", "blob_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in 0 to 1, but it is {getattr(self, name)}.")
        fewest = min(len(marks) for marks in FIELD_MARKS.values())
        if self.field_marks is not None and not 1 <= self.field_marks <= fewest:
            raise ValueError(f"field_marks must be 1 to {fewest}, or None, but it is {self.field_marks}.")

    def marks_of(self, species: str) -> tuple[Part, ...]:
        """The parts that the score of a species shall rest on."""
        count = USUAL_FIELD_MARKS[self.architecture] if self.field_marks is None else self.field_marks
        return FIELD_MARKS[species][:count]


def build_bird_network(architecture: str) -> nn.Sequential:
    """The untrained network: images (N, 3, H, W) in [0, 1] → logits (N, species).

    Raises:
        ValueError: the architecture is unknown.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(f"Unknown architecture {architecture!r}; known: {', '.join(ARCHITECTURES)}.")
    if architecture == "bird-small":
        width = 20
        layers = [*_convolution(3, 10, 5, 2), *_convolution(10, 16, 3, 2), *_convolution(16, width, 3, 2)]
    else:
        width = 96
        layers = [
            *_convolution(3, 16, 5, 2),
            *_convolution(16, 32, 3, 2),
            *_convolution(32, 64, 3, 2),
            *_convolution(64, 64, 3, 1),
            *_convolution(64, width, 3, 2),
        ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, len(SPECIES)))


def _convolution(inputs: int, outputs: int, kernel: int, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]


@dataclass(frozen=True)
class _Birds:
    """Training birds.

    Attributes:
        images, blurred: uint8 (N, 3, S, S).
        species: (N,).
        indices: uint8 (N, S, S); which part a pixel shows, 0 for the background.
        marks: float (N, 1 + parts), by the numbers in ``indices``: share of the score that each part carries.
    """

    images: Tensor
    blurred: Tensor
    species: Tensor
    indices: Tensor
    marks: Tensor


def train_bird_network(config: BirdTrainingConfig, *, progress: ProgressFunction | None = None) -> nn.Sequential:
    """Draw birds and train a network on them.

    Equal configurations give equal weights on one machine with one number of threads. The caller's random state in
    PyTorch is not touched.

    Args:
        config: what to train and how.
        progress: told about drawn birds and finished training steps.

    Returns:
        The network in eval mode.
    """
    steps_per_epoch = max(1, config.birds_per_species * len(SPECIES) // config.batch_size)
    steps = config.epochs * steps_per_epoch
    drawn = config.birds_per_species * len(SPECIES)
    report = progress or (lambda done, total: None)
    birds = _draw_training_birds(config, lambda done: report(done, drawn + steps))
    generator = torch.Generator().manual_seed(config.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = build_bird_network(config.architecture).to(memory_format=torch.channels_last)
    network.train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=config.learning_rate, total_steps=steps)
    for step in range(steps):
        position = step % steps_per_epoch
        if position == 0:
            order = torch.randperm(drawn, generator=generator)
        chosen = order[position * config.batch_size : (position + 1) * config.batch_size]
        images, targets = _training_batch(birds, chosen, config, generator)
        loss = functional.cross_entropy(network(images), targets)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
        report(drawn + step + 1, drawn + steps)
    trained: nn.Sequential = network.eval()
    return trained


def _draw_training_birds(config: BirdTrainingConfig, report: Callable[[int], None]) -> _Birds:
    names = list(SPECIES)
    images: list[np.ndarray] = []
    indices: list[np.ndarray] = []
    species: list[int] = []
    marks: list[list[float]] = []
    for number in range(config.birds_per_species * len(names)):
        # The leading 1 keeps these birds apart from those of `bird_generator`, whatever the seeds.
        generator = np.random.default_rng([1, config.seed, number, 0])
        own = number % len(names)
        borrowed = {}
        if generator.uniform() < config.borrowed_share:
            other = names[(own + int(generator.integers(1, len(names)))) % len(names)]
            borrowed = {str(generator.choice(list(Part))): other}
        bird = draw_bird(names[own], generator=generator, size=config.side, borrowed=borrowed, oversampling=2)
        images.append(bird.image)
        indices.append(part_indices(bird))
        species.append(own)
        marks.append(_shares(names[own], borrowed, config))
        report(number + 1)
    pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
    blurred = [
        blur(batch.float(), kernel_size=config.blur_kernel, sigma=config.blur_sigma).round().byte()
        for batch in torch.split(pixels, config.batch_size)
    ]
    return _Birds(
        pixels,
        torch.cat(blurred),
        torch.tensor(species),
        torch.from_numpy(np.stack(indices)),
        torch.tensor(marks),
    )


def _shares(species: str, borrowed: Mapping[str, str], config: BirdTrainingConfig) -> list[float]:
    """Share of the score that each part of one bird carries; a borrowed field mark carries nothing."""
    marks = config.marks_of(species)
    shares = [0.0] * (1 + len(Part))
    for number, part in enumerate(Part, start=1):
        own_style = getattr(SPECIES[borrowed.get(part, species)], part) == getattr(SPECIES[species], part)
        if part in marks and own_style:
            shares[number] = 1 / len(marks)
    return shares


def _training_batch(
    birds: _Birds, chosen: Tensor, config: BirdTrainingConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Images (B, 3, S, S) of which something is deleted, and target shares (B, species)."""
    indices = birds.indices[chosen]
    draw = torch.rand(len(chosen), 1, 1, 1, generator=generator)
    without_parts = _without_parts(indices, generator)
    without_blobs = _without_blobs(len(chosen), config.side, generator)
    whole = torch.ones(())
    others = torch.where(
        draw < config.deleted_share + (1 - config.deleted_share) * config.blob_share, without_blobs, whole
    )
    masks = torch.where(draw < config.deleted_share, without_parts, others)
    masks = _with_deleted_background(masks, indices, generator)
    share = (birds.marks[chosen] * _visible_shares(indices, masks)).sum(dim=1, keepdim=True)
    own = functional.one_hot(birds.species[chosen], len(SPECIES)).float()
    targets = share * own + (1 - share) / len(SPECIES)
    images = blend(birds.images[chosen].float(), birds.blurred[chosen].float(), masks) / 255
    return _coloured(images, generator).contiguous(memory_format=torch.channels_last), targets


def _without_parts(indices: Tensor, generator: torch.Generator) -> Tensor:
    """Masks (B, 1, S, S), 1 = kept, that delete some parts of each bird: of some birds few, of some nearly all."""
    count, side = len(indices), indices.shape[-1]
    probability = torch.rand(count, 1, generator=generator)
    gone = (torch.rand(count, len(Part), generator=generator) < probability).float()
    gone_at_index = torch.cat([torch.zeros(count, 1), gone], dim=1)
    # A quarter of the pixels is enough for areas that do not follow the part's edge anyway.
    coarse = indices[:, ::2, ::2]
    deleted = torch.gather(gone_at_index, 1, coarse.flatten(1).long()).view(count, 1, *coarse.shape[1:])
    # Deleted areas of a mask are larger than the part.
    margin = int(torch.randint(1, 4, (1,), generator=generator))
    rows = functional.max_pool2d(deleted, (2 * margin + 1, 1), stride=1, padding=(margin, 0))
    square = functional.max_pool2d(rows, (1, 2 * margin + 1), stride=1, padding=(0, margin))
    return 1 - functional.interpolate(square, size=(side, side), mode="nearest")


def _without_blobs(count: int, side: int, generator: torch.Generator) -> Tensor:
    """Masks (B, 1, S, S), 1 = kept, that delete blobs of one size, 5 to 60 % of the picture in all."""
    cells = int(torch.randint(_BLOB_GRID[0], _BLOB_GRID[1] + 1, (1,), generator=generator))
    noise = functional.interpolate(
        torch.rand(count, 1, cells, cells, generator=generator), size=(side, side), mode="bicubic", align_corners=False
    )
    share = 0.05 + 0.55 * torch.rand(count, generator=generator)
    ordered = noise[..., ::4, ::4].flatten(1).sort(dim=1).values  # a sixteenth of the pixels tells the level as well
    level = ordered.gather(1, (share * (ordered.shape[1] - 1)).long()[:, None])
    return (noise >= level.view(count, 1, 1, 1)).float()


def _visible_shares(indices: Tensor, masks: Tensor) -> Tensor:
    """Share of each part's pixels that is kept: (B, 1 + parts), 0 for parts that cannot be seen."""
    places, kept = indices.flatten(1).long(), masks.flatten(1)
    empty = torch.zeros(len(indices), 1 + len(Part))
    visible = empty.scatter_add(1, places, kept)
    return visible / empty.scatter_add(1, places, torch.ones_like(kept)).clamp(min=1)


def _with_deleted_background(masks: Tensor, indices: Tensor, generator: torch.Generator) -> Tensor:
    """Blur the whole background of some examples: a bird is as clear without it."""
    chosen = torch.rand(len(masks), 1, 1, 1, generator=generator) < 0.3
    return torch.where(chosen & (indices[:, None] == 0), torch.zeros(()), masks)


def _coloured(images: Tensor, generator: torch.Generator) -> Tensor:
    """Random strength of colour and brightness, and a random cast, so that colour alone is weak evidence."""
    count = len(images)
    grey = images.mean(dim=1, keepdim=True)
    strength = 0.25 + 0.9 * torch.rand(count, 1, 1, 1, generator=generator)
    gain = 0.85 + 0.3 * torch.rand(count, 1, 1, 1, generator=generator)
    cast = 0.12 * (torch.rand(count, 3, 1, 1, generator=generator) - 0.5)
    return ((grey + strength * (images - grey)) * gain + cast).clamp(0, 1)
