"""Ground truth on pictures of three bright squares, and a network whose score is the share of them that it sees."""

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vsum_core.config import MaskConfig
from vsum_core.ground_truth import (
    Deletion,
    PartUse,
    UseConfig,
    background_only,
    false_summary_share,
    part_drops,
    part_uses,
    recall_of_used_parts,
    recalled_drop,
)
from vsum_core.networks import Network, NetworkSpecification

SIDE = 48
PLAIN = UseConfig(margin=0)
PLACES = {"left": (8, 8), "middle": (8, 20), "right": (8, 32)}
WEIGHTS = {"left": 0.6, "middle": 0.3, "right": 0.0}


class SeesSquares(torch.nn.Module):
    """Probability of class 0 is 0.1 plus the weights of the squares whose middle is bright."""

    def forward(self, images):
        score = torch.full((len(images),), 0.1)
        for name, (top, left) in PLACES.items():
            score = score + WEIGHTS[name] * (images[:, 0, top + 4, left + 4] > 0.9)
        return _logits(score)


def _logits(score):
    """Logits of two classes whose softmax is (score, 1 − score)."""
    clipped = score.clamp(1e-6, 1 - 1e-6)
    return torch.stack([clipped.log(), (1 - clipped).log()], dim=1)


@pytest.fixture
def network():
    specification = NetworkSpecification(
        name="sees-squares",
        weights="hand-made",
        input_height=SIDE,
        input_width=SIDE,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        categories=("squares", "nothing"),
    )
    return Network(
        specification=specification,
        module=SeesSquares().eval(),
        device=torch.device("cpu"),
        weights_sha256=hashlib.sha256(b"sees-squares").hexdigest(),
    )


@pytest.fixture
def picture():
    image = np.full((SIDE, SIDE, 3), 40, dtype=np.uint8)
    for top, left in PLACES.values():
        image[top : top + 8, left : left + 8] = 255
    return image


@pytest.fixture
def squares():
    parts = {}
    for name, (top, left) in PLACES.items():
        parts[name] = np.zeros((SIDE, SIDE), dtype=bool)
        parts[name][top : top + 8, left : left + 8] = True
    return parts


@pytest.mark.parametrize("deletion", list(Deletion))
def test_a_part_takes_away_the_score_that_rests_on_it(network, picture, squares, deletion):
    drops = part_drops(network, picture, 0, squares, deletion=deletion, use=PLAIN, masks=MaskConfig())
    assert drops == pytest.approx({"left": 0.6, "middle": 0.3, "right": 0.0}, abs=1e-4)


def test_parts_that_cannot_be_seen_are_left_out(network, picture, squares):
    squares["hidden"] = np.zeros((SIDE, SIDE), dtype=bool)
    drops = part_drops(
        network, picture, 0, squares, deletion=Deletion.BLURRED, use=PLAIN, masks=MaskConfig(batch_size=2)
    )
    assert set(drops) == set(PLACES)


def test_parts_of_another_size_are_refused(network, picture):
    with pytest.raises(ValueError, match=r"input size \(48, 48\)"):
        part_drops(
            network,
            picture,
            0,
            {"left": np.ones((9, 9), dtype=bool)},
            deletion=Deletion.BLURRED,
            use=PLAIN,
            masks=MaskConfig(),
        )


def test_the_background_goes_on_where_the_object_was(picture, squares):
    empty = background_only(picture, np.logical_or.reduce(list(squares.values())))
    assert np.abs(empty.astype(int) - 40).max() <= 3  # the filling rounds
    with pytest.raises(ValueError, match="uint8 image"):
        background_only(picture, np.zeros((3, 3), dtype=bool))


def test_a_part_is_used_from_the_threshold_on():
    images = [{"head": 0.5, "tail": 0.0, "leg": 0.9}, {"head": 0.25, "tail": 0.25}, {"head": 0.0, "tail": 0.125}]
    uses = part_uses(images, use=UseConfig(threshold=0.25))
    assert uses == (
        PartUse(part="head", images=3, mean_drop=0.25, used=True),
        PartUse(part="tail", images=3, mean_drop=0.125, used=False),
    )  # the leg is seen in one image only
    assert part_uses([], use=UseConfig()) == ()


def use_of(**drops):
    return tuple(PartUse(part=name, images=5, mean_drop=drop, used=drop >= 0.1) for name, drop in drops.items())


def test_recall_counts_used_parts_that_a_summary_shows():
    uses = use_of(head=0.6, wing=0.2, tail=0.05)
    assert recall_of_used_parts(uses, ["head", "head", None, "tail"]) == 0.5
    assert recalled_drop(uses, ["head", "head", None, "tail"]) == pytest.approx(0.75)
    assert recall_of_used_parts(uses, []) == 0
    assert recall_of_used_parts(use_of(tail=0.05), ["tail"]) is None
    assert recalled_drop((), ["tail"]) is None


@given(st.dictionaries(st.sampled_from("abcdef"), st.floats(0.1, 1), min_size=1), st.lists(st.sampled_from("abcdef")))
def test_recall_lies_between_0_and_1_and_more_summaries_never_lower_it(drops, parts):
    uses = use_of(**drops)
    for measure in (recall_of_used_parts, recalled_drop):
        fewer, more = measure(uses, parts[:-1]), measure(uses, parts)
        assert 0 <= fewer <= more <= 1 + 1e-12


def test_false_summaries_are_counted_over_all_clusterings():
    assert false_summary_share([1, 0], [10, 30]) == 1 / 40
    assert false_summary_share([0, 0], [0, 0]) is None
    with pytest.raises(ValueError, match="no more clusters"):
        false_summary_share([2], [1])
    with pytest.raises(ValueError, match="no more clusters"):
        false_summary_share([0, 0], [1])


@pytest.mark.parametrize("values", [{"threshold": 0.0}, {"threshold": 1.0}, {"margin": -1}, {"minimum_images": 0}])
def test_impossible_limits_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        UseConfig(**values)
