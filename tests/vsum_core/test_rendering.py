"""Pictures of summaries: where light, grey and lines fall, to the pixel where that is exact."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vsum_core.config import RenderingConfig
from vsum_core.rendering import (
    encode_webp,
    region_hull,
    render_cell,
    render_crop,
    render_grid,
    touching_components,
)

REFERENCE = RenderingConfig()
PHOTOGRAPHS = Path(__file__).resolve().parents[3] / "shared" / "data" / "caltech101"
RED, CYAN = (255, 0, 0), (0, 255, 255)


def plain(height, width, level=200):
    return np.full((height, width, 3), level, dtype=np.uint8)


def mask_with(*holes, side=10):
    """A mask that deletes the given [left, top, right, bottom] rectangles."""
    mask = np.ones((side, side), dtype=np.float32)
    for left, top, right, bottom in holes:
        mask[top:bottom, left:right] = 0
    return mask


def corners_of(hull):
    return {tuple(corner) for corner in np.round(hull, 9).tolist()}


def square(low, high):
    return np.array([[low, low], [high, low], [high, high], [low, high]])


# region_hull


def test_hull_encloses_whole_pixels():
    assert corners_of(region_hull(mask_with((2, 3, 5, 4)), (0, 0, 10, 10))) == {
        (0.2, 0.3),
        (0.5, 0.3),
        (0.5, 0.4),
        (0.2, 0.4),
    }


def test_hull_stays_inside_the_box():
    hull = region_hull(mask_with((0, 0, 10, 10)), (4, 4, 8, 6))
    assert corners_of(hull) == {(0.4, 0.4), (0.8, 0.4), (0.8, 0.6), (0.4, 0.6)}


def test_hull_of_two_pixels_on_a_diagonal_is_a_hexagon():
    hull = region_hull(mask_with((0, 0, 1, 1), (4, 4, 5, 5)), (0, 0, 10, 10))
    assert corners_of(hull) == {(0, 0), (0.1, 0), (0.5, 0.4), (0.5, 0.5), (0.4, 0.5), (0, 0.1)}


def test_hull_without_deleted_pixels_is_the_box():
    assert corners_of(region_hull(mask_with(), (1, 2, 3, 5))) == {(0.1, 0.2), (0.3, 0.2), (0.3, 0.5), (0.1, 0.5)}


def test_hull_of_a_mask_that_is_not_square_has_fractions_of_each_side():
    mask = np.ones((4, 8), dtype=np.float32)
    mask[2:, 2:4] = 0.4
    assert corners_of(region_hull(mask, (0, 0, 8, 4))) == {(0.25, 0.5), (0.5, 0.5), (0.5, 1), (0.25, 1)}
    assert corners_of(region_hull(mask, (0, 0, 8, 4), threshold=0.3)) == {(0, 0), (1, 0), (1, 1), (0, 1)}


@pytest.mark.parametrize(
    "box", [(3, 3, 3, 8), (-9, 0, -2, 5), (12, 0, 15, 5), (5, 0, 2, 5), (0, 0, 5), (0, 0, np.nan, 5)]
)
def test_boxes_without_a_pixel_are_refused(box):
    with pytest.raises(ValueError, match=r"[Bb]ox"):
        region_hull(mask_with(), box)
    with pytest.raises(ValueError, match=r"[Bb]ox"):
        touching_components(mask_with(), box)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), left=st.integers(0, 10), top=st.integers(0, 10), width=st.integers(1, 9))
def test_hull_is_convex_and_holds_every_deleted_pixel_of_the_box(seed, left, top, width):
    mask = np.random.default_rng(seed).uniform(size=(20, 20)).astype(np.float32)
    box = (left, top, left + width, top + width)
    hull = region_hull(mask, box)
    edges = np.roll(hull, -1, axis=0) - hull
    rows, columns = np.nonzero(mask[top : top + width, left : left + width] < 0.5)
    centres = np.stack([columns + left + 0.5, rows + top + 0.5], axis=1) / 20
    towards = centres[None] - hull[:, None]
    sides = edges[:, None, 0] * towards[..., 1] - edges[:, None, 1] * towards[..., 0]
    assert (sides >= 0).all() or (sides <= 0).all()
    assert hull.min() >= 0
    assert hull.max() <= 1


# touching_components


def test_components_that_reach_into_the_box():
    mask = mask_with((0, 0, 3, 3), (3, 3, 5, 5), (7, 0, 9, 2))  # the first two touch at a corner
    touching = touching_components(mask, (0, 0, 2, 2))
    assert touching.dtype == np.bool_
    np.testing.assert_array_equal(touching, mask_with((0, 0, 3, 3), (3, 3, 5, 5)) == 0)


def test_small_components_can_be_left_out():
    mask = mask_with((0, 0, 4, 4), (6, 0, 7, 1))
    np.testing.assert_array_equal(touching_components(mask, (0, 0, 10, 10)), mask == 0)
    np.testing.assert_array_equal(
        touching_components(mask, (0, 0, 10, 10), minimum_area=0.02), mask_with((0, 0, 4, 4)) == 0
    )


def test_no_component_touches():
    assert not touching_components(mask_with((0, 0, 2, 2)), (5, 5, 9, 9)).any()
    assert not touching_components(mask_with(), (0, 0, 9, 9)).any()


# render_cell


@pytest.mark.parametrize(("height", "width"), [(120, 240), (900, 300), (480, 480)])
def test_cell_keeps_the_aspect_ratio(height, width):
    cell = render_cell(plain(height, width), hull=square(0.2, 0.8), components=None, config=REFERENCE)
    longer = max(height, width)
    assert cell.shape == (480 * height // longer, 480 * width // longer, 3)
    assert cell.dtype == np.uint8


def test_cell_is_grey_64_outside_the_region_and_untouched_inside():
    cell = render_cell(plain(480, 480), hull=square(0.25, 0.75), components=None, config=REFERENCE)
    inside, line = np.zeros((480, 480), dtype=bool), np.zeros((480, 480), dtype=bool)
    inside[124:356, 124:356] = True
    line[116:364, 116:364] = True
    assert (cell[inside] == 200).all()
    assert (cell[~line] == 64).all()


def test_hull_line_is_red_and_three_pixels_wide():
    cell = render_cell(plain(480, 480), hull=square(0.25, 0.75), components=None, config=REFERENCE)
    across = cell[240, 110:130].astype(int)
    redness = (across[:, 0] - across[:, 1]) / 255
    assert redness.sum() == pytest.approx(3, abs=0.3)
    assert (across == RED).all(axis=1).sum() >= 2
    centre = (redness * (np.arange(110, 130) + 0.5)).sum() / redness.sum()
    assert centre == pytest.approx(120, abs=0.25)  # 0.25 of 480


def test_components_are_lit_and_outlined_in_cyan():
    components = np.zeros((224, 224), dtype=bool)
    components[112:168, 28:196] = True
    cell = render_cell(plain(480, 480), hull=square(0.5, 0.6), components=components, config=REFERENCE)
    assert (cell[300, 100] == 200).all()
    assert (cell[200, 100] == 64).all()
    across = cell[230:250, 100].astype(int)
    cyan = (across[:, 1] - across[:, 0]).clip(0) / 255
    assert cyan.sum() == pytest.approx(2, abs=0.3)
    centre = (cyan * (np.arange(230, 250) + 0.5)).sum() / cyan.sum()
    assert centre == pytest.approx(240, abs=0.25)


def test_holes_in_a_component_stay_grey():
    components = np.zeros((224, 224), dtype=bool)
    components[28:196, 28:196] = True
    components[84:140, 84:140] = False
    cell = render_cell(plain(480, 480), hull=square(0.15, 0.2), components=components, config=REFERENCE)
    assert (cell[240, 240] == 64).all()
    assert (cell[120, 240] == 200).all()


def test_the_hull_is_lit_where_it_crosses_a_hole():
    components = np.zeros((224, 224), dtype=bool)
    components[28:196, 28:196] = True
    components[84:140, 84:140] = False
    cell = render_cell(plain(480, 480), hull=square(0.3, 0.7), components=components, config=REFERENCE)
    assert (cell[240, 240] == 200).all()


def test_lines_along_the_edge_of_the_image_stay_visible():
    components = np.ones((224, 224), dtype=bool)
    cell = render_cell(plain(200, 480), hull=square(0, 1), components=components, config=REFERENCE)
    for edge in (cell[1, 240], cell[198, 240], cell[100, 1], cell[100, 478]):
        np.testing.assert_array_equal(edge, RED)


def test_surroundings_shine_through_without_colour_where_the_grey_is_not_opaque():
    picture = plain(480, 480)
    picture[..., 0] = 255  # luma of (255, 200, 200): 0.299 · 255 + 0.701 · 200 = 216.4
    config = dataclasses.replace(REFERENCE, grey_opacity=0.75)
    cell = render_cell(picture, hull=square(0.4, 0.6), components=None, config=config)
    np.testing.assert_array_equal(cell[10, 10], [102] * 3)  # 0.75 · 64 + 0.25 · 216 = 102
    np.testing.assert_array_equal(cell[240, 240], [255, 200, 200])


def test_casing_darkens_both_sides_of_a_line():
    config = dataclasses.replace(REFERENCE, casing_width=2)
    cell = render_cell(plain(480, 480), hull=square(0.25, 0.75), components=None, config=config)
    for casing in (117, 122):
        assert (cell[240, casing] == 24).all()
    np.testing.assert_array_equal(cell[240, 120], RED)
    assert (cell[240, 114] == 64).all()
    assert (cell[240, 125] == 200).all()


def test_lines_of_no_width_are_not_drawn():
    config = dataclasses.replace(REFERENCE, hull_width=0, component_width=0, casing_width=2)
    cell = render_cell(plain(480, 480), hull=square(0.25, 0.75), components=None, config=config)
    assert (cell[..., 0] == cell[..., 1]).all()
    assert (cell.min(), cell.max()) == (64, 200)


def test_without_a_hull_the_image_is_untouched():
    picture = np.random.default_rng(0).integers(0, 256, size=(480, 300, 3), dtype=np.uint8)
    np.testing.assert_array_equal(render_cell(picture, hull=None, components=None, config=REFERENCE), picture)


def test_the_image_given_is_left_alone():
    picture = plain(480, 480)
    render_cell(picture, hull=square(0.1, 0.3), components=None, config=REFERENCE)
    assert (picture == 200).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hull": np.zeros((2, 2)), "components": None}, "hull must have shape"),
        ({"hull": np.zeros((4, 3)), "components": None}, "hull must have shape"),
        ({"hull": None, "components": np.ones((9, 9), dtype=bool)}, "Expected a hull"),
        ({"hull": square(0, 1), "components": np.ones((9, 9))}, "components must be bool"),
    ],
)
def test_unusable_shapes_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        render_cell(plain(40, 40), config=REFERENCE, **arguments)


@pytest.mark.parametrize("picture", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_picture_is_refused(picture):
    with pytest.raises(ValueError, match="uint8"):
        render_cell(picture, hull=square(0, 1), components=None, config=REFERENCE)
    with pytest.raises(ValueError, match="uint8"):
        render_grid([picture], config=REFERENCE)
    with pytest.raises(ValueError, match="uint8"):
        encode_webp(picture, quality=80)


# render_crop


def test_crop_shows_the_box_and_nothing_else():
    picture = plain(100, 200, level=0)
    picture[20:60, 100:180] = 250
    crop = render_crop(picture, (0.5, 0.2, 0.9, 0.6), config=REFERENCE)
    assert crop.shape == (120, 240, 3)
    assert (crop == 250).all()


def test_crop_with_a_margin_shows_some_context_up_to_the_edge():
    picture = plain(100, 100, level=0)
    picture[0:40, 40:80] = 250
    crop = render_crop(picture, (0.4, 0.0, 0.8, 0.4), config=REFERENCE, margin=0.25)
    assert crop.shape == (200, 240, 3)  # columns 30 to 90, rows 0 to 50
    assert (crop[0, 120] == 250).all()
    assert (crop[190] == 0).all()


def test_crop_of_less_than_a_pixel_shows_that_pixel():
    picture = plain(10, 10, level=0)
    picture[3, 7] = 90
    assert (render_crop(picture, (0.71, 0.31, 0.74, 0.35), config=REFERENCE) == 90).all()


@pytest.mark.parametrize("box", [(0.5, 0.5, 0.5, 0.9), (1.2, 0, 1.4, 1)])
def test_crops_of_nothing_are_refused(box):
    with pytest.raises(ValueError, match="box"):
        render_crop(plain(10, 10), box, config=REFERENCE)


# render_grid


@pytest.mark.parametrize(
    ("count", "rows"),
    [(1, [1]), (2, [2]), (3, [2, 1]), (4, [2, 2]), (5, [3, 2]), (7, [3, 2, 2]), (9, [3] * 3), (10, [4, 3, 3])],
)
def test_grid_is_nearly_square_with_even_gutters(count, rows):
    config = dataclasses.replace(REFERENCE, gutter=10)
    grid = render_grid([plain(40, 40, level=100 + index) for index in range(count)], config=config)
    assert grid.shape == (10 + 50 * len(rows), 10 + 50 * rows[0], 3)
    shown = 0
    for row, in_row in enumerate(rows):
        for column in range(in_row):
            top, left = 10 + 50 * row, 10 + 25 * (rows[0] - in_row) + 50 * column
            assert (grid[top : top + 40, left : left + 40] == 100 + shown).all()
            grid[top : top + 40, left : left + 40] = config.background
            shown += 1
    assert shown == count
    assert (grid == config.background).all()


def test_smaller_cells_lie_in_the_middle_of_their_slot():
    config = dataclasses.replace(REFERENCE, gutter=10)
    grid = render_grid([plain(40, 20), plain(20, 40)], config=config)
    assert grid.shape == (60, 110, 3)
    assert (grid[10:50, 20:40] == 200).all()
    assert (grid[10:50, 10:20] == config.grey).all()
    assert (grid[20:40, 60:100] == 200).all()
    assert (grid[40:50, 60:100] == config.grey).all()


@pytest.mark.parametrize(
    ("height", "width", "shown"),
    [(80, 40, (40, 20)), (41, 10, (40, 10)), (40, 40, (40, 40)), (16, 20, (16, 20)), (30, 120, (10, 40))],
)
def test_cells_larger_than_the_grids_side_are_made_smaller_and_others_are_left(height, width, shown):
    config = dataclasses.replace(REFERENCE, gutter=0, grid_side=40)
    grid = render_grid([plain(height, width, level=9)], config=config)
    assert grid.shape == (*shown, 3)
    assert (grid == 9).all()


def test_a_reduced_cell_keeps_its_picture():
    cell = plain(80, 80, level=0)
    cell[:, 40:] = 200
    grid = render_grid([cell], config=dataclasses.replace(REFERENCE, gutter=0, grid_side=20))
    assert (grid[:, :9] < 5).all()
    assert (grid[:, 11:] > 195).all()
    assert (cell[:, 40:] == 200).all()


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 40), height=st.integers(10, 30), width=st.integers(10, 30))
def test_grid_shows_every_cell_and_is_never_far_from_square(count, height, width):
    config = dataclasses.replace(REFERENCE, gutter=0)
    grid = render_grid([plain(height, width, level=9)] * count, config=config)
    assert (grid == 9).all(axis=2).sum() == count * height * width
    cell_aspect = width / height
    assert min(0.4, 0.9 * cell_aspect) <= grid.shape[1] / grid.shape[0] <= max(2.5, 2 * cell_aspect)


def test_a_grid_of_nothing_is_refused():
    with pytest.raises(ValueError, match="one cell"):
        render_grid([], config=REFERENCE)


# encode_webp


def test_webp_is_deterministic_and_close_to_the_picture():
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    picture = np.stack([np.tile(ramp, (48, 1))] * 3, axis=2)
    encoded = encode_webp(picture, quality=80)
    assert encoded == encode_webp(picture.copy(), quality=80)
    assert encoded[:4] == b"RIFF"
    decoded = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
    assert decoded.shape == picture.shape
    assert np.abs(decoded.astype(int) - picture).mean() < 4
    assert len(encode_webp(picture, quality=5)) < len(encoded)


def test_quality_out_of_range_is_refused():
    with pytest.raises(ValueError, match="quality"):
        encode_webp(plain(4, 4), quality=101)


@pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason="the photographs for development are not here")
def test_a_photograph_stays_small_and_keeps_its_outlines_through_the_file():
    path = sorted((PHOTOGRAPHS / "dalmatian").glob("*.jpg"))[0]
    photograph = np.asarray(Image.open(path).convert("RGB"))
    mask = mask_with((60, 60, 160, 150), side=224)
    cell = render_cell(
        photograph,
        hull=region_hull(mask, (80, 80, 120, 130)),
        components=touching_components(mask, (80, 80, 120, 130)),
        config=REFERENCE,
    )
    encoded = encode_webp(cell, quality=REFERENCE.quality)
    assert len(encoded) < 60_000
    decoded = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB")).astype(int)
    for colour in (RED, CYAN):
        drawn = (cell == colour).all(axis=2)
        assert drawn.sum() > 200
        assert np.abs(decoded[drawn] - colour).mean() < 40


@pytest.mark.parametrize(
    "wrong",
    [
        {"grey": 300},
        {"grey_opacity": 1.5},
        {"hull_width": -1},
        {"cell_side": 3},
        {"grid_side": 15},
        {"background": (0, 0, 256)},
        {"quality": 101},
    ],
)
def test_configuration_is_checked(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        dataclasses.replace(REFERENCE, **wrong)
