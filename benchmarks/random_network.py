"""A network of torchvision with random weights, for measurements of speed, which does not depend on weights."""

from __future__ import annotations

import torch
from torchvision import models

from vsum_core.networks import Network, NetworkSpecification, network_of
from vsum_core.networks.imagenet import imagenet_names, imagenet_wnids


def random_network(name: str, *, device: str, fold: bool | None = None) -> Network:
    """The architecture at its published input size, with the weights it has before training, from seed 0.

    Args:
        name: of an ImageNet classifier in torchvision, such as ``vgg16``.
        device: where it shall run.
        fold: fold batch normalisation into convolutions; None = on a CPU only.

    Raises:
        ValueError: torchvision knows no such network.
    """
    if name not in models.list_models(module=models):
        raise ValueError(
            f"Random weights are there for torchvision's classifiers, such as vgg16, but not for {name!r}."
        )
    preprocessing = models.get_model_weights(name).DEFAULT.transforms()
    side = int(preprocessing.crop_size[0])
    red, green, blue = (float(value) for value in preprocessing.mean)
    specification = NetworkSpecification(
        name=name,
        weights="random",
        input_height=side,
        input_width=side,
        mean=(red, green, blue),
        std=(float(preprocessing.std[0]), float(preprocessing.std[1]), float(preprocessing.std[2])),
        categories=imagenet_names(),
        wnids=imagenet_wnids(),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = models.get_model(name, weights=None)
    return network_of(module, specification, device=device, fold=fold)
