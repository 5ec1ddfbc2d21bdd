import hashlib

import numpy as np
import torch
from torch import nn

from vsum_core.networks import Network, NetworkSpecification
from vsum_core.tagging import NearestCategoryTagger, Tag


class Colours(nn.Module):
    """Logits: mean red, green and blue, ten times."""

    def forward(self, images):
        return 10 * images.mean((2, 3))


def colour_network():
    return Network(
        specification=NetworkSpecification(
            name="colours", weights="none", input_height=8, input_width=8, mean=(0.0,) * 3, std=(1.0,) * 3,
            categories=("Red", "green", "blue"),
        ),
        module=Colours(),
        device=torch.device("cpu"),
        weights_sha256=hashlib.sha256(b"colours").hexdigest(),
    )  # fmt: skip


def crop(colour, size):
    return np.full((*size, 3), colour, dtype=np.uint8)


def test_words_by_hand():
    """A green and a yellow crop: softmax of (0, 10, 0) and (10, 10, 0), averaged; the class itself is no answer."""
    tagger = NearestCategoryTagger(colour_network())
    tags = tagger.tags([crop((0, 255, 0), (9, 5)), crop((255, 255, 0), (30, 40))], class_name="red")
    first, second = np.exp([0, 10, 0]), np.exp([10, 10, 0])
    mean = (first / first.sum() + second / second.sum()) / 2
    assert [tag.word for tag in tags] == ["green", "blue"]
    np.testing.assert_allclose([tag.score for tag in tags], mean[1:], rtol=1e-5)
    assert {tag.tagger for tag in tags} == {"nearest category (colours)"}


def test_count_and_no_crops():
    tagger = NearestCategoryTagger(colour_network(), count=1)
    (tag,) = tagger.tags([crop((0, 0, 255), (8, 8))], class_name="robin")
    assert isinstance(tag, Tag) and tag.word == "blue" and 0.9 < tag.score <= 1
    assert tagger.tags([], class_name="robin") == []
