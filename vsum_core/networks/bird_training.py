"""Two small networks for the drawn birds, and their training: a known truth in about a minute on a CPU.

A trained network's confidence shall depend on all parts of a bird. Three things see to that:

* some training birds borrow one part from another species, so no part can be trusted alone;
* parts are deleted at random (blurred, as the masks do it), and the target falls with the share of parts deleted;
* a bird that is blurred altogether has the same target for every species.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from vsum_core.perturbation import blend, blur
from vsum_core.synthetic import SPECIES, Part, draw_bird
from vsum_core.synthetic.folder import part_indices

ARCHITECTURES = ("bird-small", "bird-large")

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
        borrowed_share: share of the birds that take one part from another species.
        deleted_share: share of the training examples with deleted parts.
        blur_kernel, blur_sigma: of the deletion, as in ``MaskConfig``.
        seed: of the drawings, the order and the initial weights.
    """

    architecture: str
    side: int = 112
    birds_per_species: int = 160
    epochs: int = 12
    batch_size: int = 32
    learning_rate: float = 0.006
    borrowed_share: float = 0.5
    deleted_share: float = 0.7
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
        for name in ("borrowed_share", "deleted_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in 0 to 1, but it is {getattr(self, name)}.")


def build_bird_network(architecture: str) -> nn.Sequential:
    """The untrained network: images (N, 3, H, W) in [0, 1] → logits (N, species).

    Raises:
        ValueError: the architecture is unknown.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(f"Unknown architecture {architecture!r}; known: {', '.join(ARCHITECTURES)}.")
    if architecture == "bird-small":
        width = 12
        layers = [*_convolution(3, 8, 5, 4), *_convolution(8, 12, 3, 2), *_convolution(12, width, 3, 2)]
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
        seen: bool (N, parts).
    """

    images: Tensor
    blurred: Tensor
    species: Tensor
    indices: Tensor
    seen: Tensor


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
        report(number + 1)
    pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
    blurred = [
        blur(batch.float(), kernel_size=config.blur_kernel, sigma=config.blur_sigma).round().byte()
        for batch in torch.split(pixels, config.batch_size)
    ]
    parts = np.stack(indices)
    seen = np.stack([(parts == part).any(axis=(1, 2)) for part in range(1, len(Part) + 1)], axis=1)
    return _Birds(pixels, torch.cat(blurred), torch.tensor(species), torch.from_numpy(parts), torch.from_numpy(seen))


def _training_batch(
    birds: _Birds, chosen: Tensor, config: BirdTrainingConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Images (B, 3, S, S) with deleted parts, and target shares (B, species)."""
    indices, seen = birds.indices[chosen], birds.seen[chosen]
    count = len(chosen)
    # Every example has its own probability, so that everything from no part to all parts is deleted now and then.
    probability = torch.rand(count, 1, generator=generator)
    probability[torch.rand(count, 1, generator=generator) >= config.deleted_share] = 0
    gone = (torch.rand(seen.shape, generator=generator) < probability) & seen
    gone_at_index = torch.cat([torch.zeros(count, 1), gone.float()], dim=1)
    deleted = torch.gather(gone_at_index, 1, indices.flatten(1).long()).view(count, 1, config.side, config.side)
    # Deleted areas of a mask are larger than the part and do not follow its edge.
    margin = int(torch.randint(1, 6, (1,), generator=generator))
    deleted = functional.max_pool2d(deleted, 2 * margin + 1, stride=1, padding=margin)
    masks = _with_deleted_background(1 - deleted, indices, generator)
    share = 1 - gone.sum(dim=1) / seen.sum(dim=1)
    own = functional.one_hot(birds.species[chosen], len(SPECIES)).float()
    targets = share[:, None] * own + (1 - share[:, None]) / len(SPECIES)
    images = blend(birds.images[chosen].float(), birds.blurred[chosen].float(), masks) / 255
    return _coloured(images, generator).contiguous(memory_format=torch.channels_last), targets


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
