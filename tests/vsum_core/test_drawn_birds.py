"""Training of the drawn-bird networks: short runs that learn, save, load and repeat."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from vsum_core.class_labels import ClassLabel
from vsum_core.networks import UnknownNetworkError, WeightsUnavailableError, load_network, network_names
from vsum_core.networks.bird_training import ARCHITECTURES, BirdTrainingConfig, build_bird_network, train_bird_network
from vsum_core.networks.drawn_birds import default_cache, load, weights_path
from vsum_core.synthetic import SPECIES, Part, draw_bird
from vsum_core.synthetic.species import FIELD_MARKS

TINY = BirdTrainingConfig(architecture="bird-small", side=48, birds_per_species=4, epochs=2, batch_size=10)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_training_repeats_and_leaves_the_random_state_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = train_bird_network(TINY).state_dict()
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)
    again = train_bird_network(TINY).state_dict()
    other = train_bird_network(dataclasses.replace(TINY, seed=1)).state_dict()
    for name, weights in first.items():
        torch.testing.assert_close(weights, again[name], rtol=0, atol=0)
    assert not torch.equal(first["0.weight"], other["0.weight"])


def test_progress_counts_birds_and_steps() -> None:
    calls: list[tuple[int, int]] = []
    train_bird_network(TINY, progress=lambda done, total: calls.append((done, total)))
    # 5 species × 4 birds, then 2 epochs × 20 / 10 steps
    assert calls == [(number, 24) for number in range(1, 25)]


def test_weights_are_saved_loaded_and_not_trained_twice(tmp_path: Path) -> None:
    first = load("bird-small", cache=tmp_path, config=TINY)
    path = weights_path(TINY, tmp_path)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]  # no temporary file is left

    def forbidden(done: int, total: int) -> None:
        raise RuntimeError("trained again")

    again = load("bird-small", cache=tmp_path, config=TINY, progress=forbidden)
    assert first.weights_sha256 == again.weights_sha256
    images = torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(first.module.eval()(images), again.module.eval()(images), rtol=0, atol=0)
    assert first.module is not again.module
    assert first.specification.categories == tuple(SPECIES)
    assert (first.specification.input_height, first.specification.input_width) == (48, 48)


def test_the_cache_key_depends_on_the_configuration(tmp_path: Path) -> None:
    other = dataclasses.replace(TINY, borrowed_share=0.25)
    assert weights_path(TINY, tmp_path) != weights_path(other, tmp_path)
    assert weights_path(TINY, tmp_path) == weights_path(dataclasses.replace(TINY), tmp_path)


def test_a_damaged_file_is_reported(tmp_path: Path) -> None:
    path = weights_path(TINY, tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not weights")
    with pytest.raises(WeightsUnavailableError, match="is damaged"):
        load("bird-small", cache=tmp_path, config=TINY)


def test_a_cache_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "drawn-birds").write_text("in the way", encoding="utf-8")
    with pytest.raises(WeightsUnavailableError, match="cannot be written"):
        load("bird-small", cache=tmp_path, config=TINY)


def test_an_interrupted_save_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken_save(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", broken_save)
    with pytest.raises(WeightsUnavailableError, match="No space left"):
        load("bird-small", cache=tmp_path, config=TINY)
    assert list((tmp_path / "drawn-birds").iterdir()) == []


def test_wrong_names(tmp_path: Path) -> None:
    with pytest.raises(UnknownNetworkError, match="one set of weights"):
        load("bird-small@V2", cache=tmp_path)
    with pytest.raises(ValueError, match="is for 'bird-small'"):
        load("bird-large", cache=tmp_path, config=TINY)
    with pytest.raises(ValueError, match="Unknown architecture"):
        build_bird_network("bird-huge")


@pytest.mark.parametrize(
    "change",
    [
        {"architecture": "bird-huge"},
        {"epochs": 0},
        {"borrowed_share": 1.5},
        {"deleted_share": -0.1},
        {"blob_share": 1.1},
        {"field_marks": 0},
        {"field_marks": 4},
    ],
)
def test_impossible_configurations(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        dataclasses.replace(TINY, **change)  # type: ignore[arg-type]


def test_each_network_is_taught_the_first_field_marks() -> None:
    small, large = (BirdTrainingConfig(architecture=name) for name in ARCHITECTURES)
    for species, marks in FIELD_MARKS.items():
        assert small.marks_of(species) == marks[:2]
        assert large.marks_of(species) == marks[:3]
        assert len(set(marks)) == len(marks)
        assert all(getattr(SPECIES[species], part) is not None for part in marks)
    assert dataclasses.replace(large, field_marks=1).marks_of("robin") == (Part.HEAD,)
    assert set(FIELD_MARKS) == set(SPECIES)


def test_default_cache_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "visual-summaries"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache() == Path.home() / ".cache" / "visual-summaries"


def test_the_family_is_registered_and_its_capacities_differ() -> None:
    assert set(ARCHITECTURES) <= set(network_names())
    small, large = (
        sum(parameter.numel() for parameter in build_bird_network(name).parameters()) for name in ARCHITECTURES
    )
    assert large > 20 * small


@pytest.mark.slow
def test_a_short_training_learns_more_than_chance(tmp_path: Path) -> None:
    config = BirdTrainingConfig(
        architecture="bird-large", side=64, birds_per_species=40, epochs=8, batch_size=20, deleted_share=0.3
    )
    load("bird-large", cache=tmp_path, config=config)
    network = load("bird-large", cache=tmp_path, config=config).module.eval()
    correct = 0
    for index, name in enumerate(SPECIES):
        drawings = [draw_bird(name, generator=np.random.default_rng([77, n, index]), size=64).image for n in range(8)]
        images = torch.from_numpy(np.stack(drawings)).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            correct += int((network(images).argmax(dim=1) == index).sum())
    assert correct >= 28  # of 40; chance is 8


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_loading_by_name_gives_a_frozen_network_that_knows_birds(name: str, trained_birds: Path) -> None:
    network = load_network(name, cache=trained_birds)
    drawings = [draw_bird(species, generator=np.random.default_rng([7, 7]), size=112).image for species in SPECIES]
    birds = torch.from_numpy(np.stack(drawings)).permute(0, 3, 1, 2).float() / 255
    assert (network.logits(birds).argmax(dim=1) == torch.arange(len(SPECIES))).sum() >= 4
    assert network.class_index(ClassLabel("flamingo", "flamingo", None)) == list(SPECIES).index("flamingo")
    assert not network.module.training
    assert not any(parameter.requires_grad for parameter in network.module.parameters())
    images = torch.rand(1, 3, 112, 112, requires_grad=True)
    network.logits(images).sum().backward()
    assert images.grad is not None and bool((images.grad != 0).any())
