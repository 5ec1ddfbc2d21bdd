"""Drawn birds: determinism, true part masks, the written folder and the practice pictures."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vsum_core.config import RenderingConfig
from vsum_core.datasets import read_image, read_image_folder, read_part_masks
from vsum_core.rendering import encode_webp
from vsum_core.synthetic import SPECIES, BirdDrawing, Part, draw_bird, write_birds
from vsum_core.synthetic.canvas import Canvas, Mark, Placement, Shape
from vsum_core.synthetic.folder import bird_generator, facing_right, part_indices
from vsum_core.synthetic.practice import (
    CROP_SIDE,
    CROPPED,
    SETS,
    SHEETS,
    SIDE,
    plain_bird,
    practice_crop,
    practice_picture,
    species_cell,
)
from vsum_core.synthetic.shapes import colour, curve, leaf, oval, ribbon, rotated, toned

PRACTICE = Path(__file__).parents[2] / "study" / "static" / "study" / "practice"
LONG_NECKED = {"flamingo", "peacock"}


def bird(species: str, seed: int, size: int = 96) -> BirdDrawing:
    return draw_bird(species, generator=np.random.default_rng(seed), size=size)


def test_equal_seeds_draw_equal_birds_and_other_seeds_others() -> None:
    first, again, other = bird("robin", 3), bird("robin", 3), bird("robin", 4)
    np.testing.assert_array_equal(first.image, again.image)
    assert first.parts.keys() == again.parts.keys()
    for name, mask in first.parts.items():
        np.testing.assert_array_equal(mask, again.parts[name])
    assert (first.image != other.image).mean() > 0.1


@settings(max_examples=25, deadline=None)
@given(species=st.sampled_from(list(SPECIES)), seed=st.integers(0, 2**32), size=st.sampled_from([64, 97, 128]))
def test_masks_are_disjoint_and_complete(species: str, seed: int, size: int) -> None:
    drawing = bird(species, seed, size)
    assert drawing.image.shape == (size, size, 3) and drawing.image.dtype == np.uint8
    expected = set(Part) if species in LONG_NECKED else set(Part) - {Part.NECK}
    assert set(drawing.parts) == expected
    assert all(mask.shape == (size, size) and mask.dtype == np.bool_ for mask in drawing.parts.values())
    cover = np.sum(list(drawing.parts.values()), axis=0)
    assert cover.max() == 1
    assert 0.04 < cover.mean() < 0.7
    # The whole bird is in the picture.
    assert not cover[[0, -1]].any() and not cover[:, [0, -1]].any()


def test_masks_lie_on_the_bird_and_nowhere_else() -> None:
    """The same bird with another wing: pixels may change on the bird only, and surely on the wing."""
    own = draw_bird("robin", generator=np.random.default_rng(5), size=128)
    changed = draw_bird("robin", generator=np.random.default_rng(5), size=128, borrowed={"wing": "kingfisher"})
    difference = np.abs(own.image.astype(int) - changed.image).max(axis=2)
    wing = own.parts["wing"] & changed.parts["wing"]
    other = own.parts["head"] | own.parts["beak"]
    assert (difference[wing] > 20).mean() > 0.5
    background = ~np.any([*own.parts.values(), *changed.parts.values()], axis=0)
    for elsewhere in (other, background):
        assert (difference[elsewhere] > 20).mean() < 0.02  # antialiased edges only


def test_a_borrowed_neck_makes_a_long_neck() -> None:
    assert "neck" in draw_bird("robin", generator=np.random.default_rng(0), borrowed={"neck": "flamingo"}).parts
    assert "neck" not in draw_bird("peacock", generator=np.random.default_rng(0), borrowed={"neck": "robin"}).parts


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"species": "ostrich"}, "known species: robin"),
        ({"species": "robin", "size": 16}, "at least 32 pixels"),
        ({"species": "robin", "oversampling": 0}, "oversampling"),
        ({"species": "robin", "borrowed": {"ears": "toucan"}}, "Unknown parts ears"),
        ({"species": "robin", "borrowed": {"wing": "ostrich"}}, "Unknown species 'ostrich'"),
    ],
)
def test_impossible_birds(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw_bird(**arguments, generator=np.random.default_rng(0))  # type: ignore[arg-type]


def test_no_single_part_tells_all_species_apart_but_any_two_differ_in_several() -> None:
    for part in Part:
        styles = [getattr(species, part) for species in SPECIES.values()]
        assert len({str(style) for style in styles}) < len(SPECIES), part
    for first, second in itertools.combinations(SPECIES.values(), 2):
        different = [part for part in Part if getattr(first, part) != getattr(second, part)]
        assert len(different) >= 3, (first.name, second.name)


def test_written_birds_are_read_with_their_parts(tmp_path: Path) -> None:
    write_birds(tmp_path / "birds", per_species=2, seed=7, size=64)
    images = read_image_folder(tmp_path / "birds")
    assert images.synthetic
    assert {label.name for label in images.classes} == set(SPECIES)
    assert len(images.images) == 10 and images.skipped == ()
    for image in images.images:
        number = int(image.path.stem.split("-")[1])
        expected = draw_bird(
            image.label.folder, generator=bird_generator(image.label.folder, seed=7, number=number), size=64
        )
        np.testing.assert_array_equal(read_image(image.path), expected.image)
        masks = read_part_masks(image, (64, 64))
        assert set(masks) == set(expected.parts)
        for name, mask in masks.items():
            np.testing.assert_array_equal(mask, expected.parts[name])


def test_more_birds_add_to_the_same_birds(tmp_path: Path) -> None:
    write_birds(tmp_path / "few", per_species=1, seed=1, size=48, species=["toucan"])
    write_birds(tmp_path / "more", per_species=2, seed=1, size=48, species=["toucan"])
    path = Path("toucan") / "toucan-001.png"
    assert (tmp_path / "few" / path).read_bytes() == (tmp_path / "more" / path).read_bytes()
    assert [label.name for label in read_image_folder(tmp_path / "more").classes] == ["toucan"]


def middle(mask: np.ndarray) -> float:
    return float(np.nonzero(mask)[1].mean())


def test_a_bird_that_faces_left_is_mirrored_with_its_parts() -> None:
    drawings = [bird("robin", seed) for seed in range(8)]
    left = [drawing for drawing in drawings if middle(drawing.parts["head"]) < middle(drawing.parts["body"])]
    right = [drawing for drawing in drawings if middle(drawing.parts["head"]) >= middle(drawing.parts["body"])]
    assert left and right
    for drawing in left:
        turned = facing_right(drawing)
        np.testing.assert_array_equal(turned.image, drawing.image[:, ::-1])
        assert turned.parts.keys() == drawing.parts.keys()
        for name, mask in turned.parts.items():
            np.testing.assert_array_equal(mask, drawing.parts[name][:, ::-1])
        assert facing_right(turned) is turned
    assert all(facing_right(drawing) is drawing for drawing in right)


def test_a_bird_without_a_head_in_sight_stays_as_it_is() -> None:
    headless = BirdDrawing(image=np.zeros((32, 32, 3), dtype=np.uint8), parts={"body": np.ones((32, 32), dtype=bool)})
    assert facing_right(headless) is headless


def test_written_birds_face_both_ways_or_right_only(tmp_path: Path) -> None:
    for folder, both_ways in (("both", True), ("right", False)):
        write_birds(tmp_path / folder, per_species=6, seed=0, size=64, species=["robin"], both_ways=both_ways)
    facing = {}
    for folder in ("both", "right"):
        masks = [read_part_masks(image, (64, 64)) for image in read_image_folder(tmp_path / folder).images]
        facing[folder] = [middle(parts["head"]) >= middle(parts["body"]) for parts in masks]
    assert set(facing["both"]) == {True, False}
    assert set(facing["right"]) == {True}


def test_impossible_folders(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="per_species must be 1 or more"):
        write_birds(tmp_path, per_species=0, seed=0)
    with pytest.raises(ValueError, match="Unknown species"):
        write_birds(tmp_path, per_species=1, seed=0, species=["ostrich"])


def test_part_indices_count_from_one() -> None:
    drawing = bird("peacock", 1)
    indices = part_indices(drawing)
    for number, part in enumerate(Part, start=1):
        np.testing.assert_array_equal(indices == number, drawing.parts[part])


def test_shapes() -> None:
    np.testing.assert_allclose(rotated(np.array([[1.0, 0.0]]), 90), [[0, 1]], atol=1e-12)
    circle = oval(np.array([2.0, 3.0]), 0.5, 0.5)
    np.testing.assert_allclose(np.hypot(*(circle - [2, 3]).T), 0.5)
    # De Casteljau's rule for three points: a quarter, a half, a quarter.
    np.testing.assert_allclose(curve([(0, 0), (1, 2), (2, 0)], 3), [[0, 0], [1, 1], [2, 0]])
    feather = leaf(np.zeros(2), 0, 1.0, 0.2)
    assert feather[:, 0].max() == pytest.approx(1.0)
    assert np.ptp(feather[:, 1]) == pytest.approx(0.2)
    band = ribbon(np.array([[0.0, 0.0], [1.0, 0.0]]), (0.2, 0.2))
    assert np.ptp(band[:, 1]) == pytest.approx(0.2)


def test_colours() -> None:
    assert colour("#0a10ff") == (10, 16, 255)
    with pytest.raises(ValueError, match="#rrggbb"):
        colour("red")
    assert toned((100, 100, 100), 1.0) == (100, 100, 100)
    assert sum(toned((100, 100, 100), 0.5)) < 300 < sum(toned((100, 100, 100), 1.5))


def test_canvas_gives_a_pixel_to_the_part_on_top() -> None:
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    canvas = Canvas(Image.new("RGB", (40, 40), (9, 9, 9)), part_names=("low", "high", "unused"), oversampling=2)
    placement = Placement(scale=20.0, tilt=0.0, faces_left=False, shift=(4.0, 4.0))
    mark = Mark(square * 9 - 4, (0, 0, 255))
    canvas.paint(Shape("low", square, (255, 0, 0)), placement)
    canvas.paint(Shape("high", square * 0.5 + 0.5, (0, 255, 0), (mark,), light=0.01), placement)
    image, parts = canvas.finish()
    assert set(parts) == {"low", "high"}
    assert parts["low"][5, 5] and parts["high"][10, 10]
    assert not (parts["low"] & parts["high"]).any()
    np.testing.assert_array_equal(image[5, 5], [255, 0, 0])
    np.testing.assert_array_equal(image[10, 10], [0, 0, 255])  # the mark is clipped to its shape
    np.testing.assert_array_equal(image[17, 17], [9, 9, 9])
    assert parts["low"].sum() + parts["high"].sum() == pytest.approx(100, abs=22)


def test_mirrored_placement() -> None:
    placement = Placement(scale=10.0, tilt=0.0, faces_left=True, shift=(50.0, 5.0))
    np.testing.assert_allclose(placement.pixels(np.array([[1.0, 2.0]])), [[40.0, 25.0]])


@pytest.mark.parametrize(("set_name", "number"), [("beak", 0), ("beak", 7), ("foot", 1)])
def test_there_are_only_so_many_practice_pictures(set_name: str, number: int) -> None:
    with pytest.raises(ValueError, match="No practice picture"):
        practice_picture(set_name, number, config=RenderingConfig())


def test_practice_pictures_grey_everything_but_the_region() -> None:
    picture = practice_picture("wing", 2, config=RenderingConfig())
    assert picture.shape == (SIDE, SIDE, 3)
    grey = (picture == 64).all(axis=2).mean()
    assert 0.6 < grey < 0.97
    assert (picture == [255, 0, 0]).all(axis=2).any()


def test_committed_practice_pictures_are_small_and_complete() -> None:
    paths = sorted(PRACTICE.glob("*.webp"))
    cells = {f"{name}-{i}": (SIDE, SIDE) for name, parts in SETS.items() for i in range(1, len(parts) + 1)}
    crops = {f"{name}-crop-{i}": (CROP_SIDE, CROP_SIDE) for name in CROPPED for i in range(1, 7)}
    sheets = {f"{name}-sheet": (486, 326) for name in (*SETS, *SHEETS)}
    birds = {f"{name}-bird": (SIDE, SIDE) for name in SHEETS}
    expected = cells | crops | sheets | birds
    assert [path.stem for path in paths] == sorted(expected)
    sizes = [path.stat().st_size for path in paths]
    assert max(sizes) <= 20_000 and sum(sizes) <= 400_000
    for path in paths:
        for form, most in (("WEBP", 20_000), ("JPEG", 25_000)):
            file = path.with_suffix(".jpg") if form == "JPEG" else path
            assert file.stat().st_size <= most
            with Image.open(file) as picture:
                assert (picture.format, picture.size) == (form, expected[path.stem])


def test_crops_show_the_part_and_little_else() -> None:
    crop = practice_crop("beak", 2)
    assert crop.shape == (CROP_SIDE, CROP_SIDE, 3)
    assert not (crop == 64).all(axis=2).any()  # nothing is greyed


def test_birds_without_marks_are_not_those_of_their_sheet() -> None:
    bird = plain_bird("toucan")
    assert not (bird == [255, 0, 0]).all(axis=2).any()
    cell = species_cell("toucan", 1, config=RenderingConfig())
    assert (cell == [255, 0, 0]).all(axis=2).any()
    assert 0.6 < (cell == 64).all(axis=2).mean() < 0.99


def test_committed_practice_pictures_are_what_the_command_draws() -> None:
    config = RenderingConfig()
    drawn = Image.open(io.BytesIO(encode_webp(practice_picture("beak", 3, config=config), quality=config.quality)))
    with Image.open(PRACTICE / "beak-3.webp") as committed:
        difference = np.abs(np.asarray(committed.convert("RGB"), dtype=int) - np.asarray(drawn.convert("RGB")))
    assert difference.mean() < 1  # another version of Pillow may round otherwise
