"""Image folders with every kind of bad file, part masks, and torchvision's layouts on disk."""

from __future__ import annotations

import hashlib
import itertools
import json
import zlib
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vsum_core.class_labels import natural_key
from vsum_core.datasets import (
    DatasetError,
    DownloadError,
    EmptyClassError,
    ImageTooLargeError,
    SkipReason,
    UnknownClassFolderError,
    UnreadableImageError,
    read_image,
    read_image_folder,
    read_part_masks,
    torchvision_dataset,
)

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data" / "caltech101"


def save(path: Path, colour: tuple[int, int, int] = (10, 20, 30), size: tuple[int, int] = (8, 6)) -> Path:
    """A plain image of width × height = ``size``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "pictures"
    for number in (10, 2, 1):
        save(root / "grand_piano" / f"image_{number}.png", (number, 0, 0))
    save(root / "n02110341" / "spot.png", (0, 99, 0))
    return root


def test_classes_names_order_and_ids(tree: Path) -> None:
    images = read_image_folder(tree)
    assert images.name == "pictures"
    assert [(label.name, label.wnid) for label in images.classes] == [("grand piano", None), ("dalmatian", "n02110341")]
    assert [image.relative_path for image in images.images] == [
        "grand_piano/image_1.png",
        "grand_piano/image_2.png",
        "grand_piano/image_10.png",
        "n02110341/spot.png",
    ]
    first = images.images[0]
    assert first.sha256 == hashlib.sha256(first.path.read_bytes()).hexdigest()
    assert first.id == f"img-{first.sha256[:16]}"
    assert (first.width, first.height) == (8, 6)
    assert images.skipped == ()
    assert not images.synthetic


def test_per_class_takes_the_first_readable_in_natural_order(tree: Path) -> None:
    (tree / "grand_piano" / "image_1.png").write_bytes(b"")
    images = read_image_folder(tree, classes=["grand piano"], per_class=1)
    assert [image.path.name for image in images.images] == ["image_2.png"]
    assert [entry.path for entry in images.skipped] == ["grand_piano/image_1.png"]
    with pytest.raises(ValueError, match="per_class must be 1 or more"):
        read_image_folder(tree, per_class=0)


@pytest.mark.parametrize("wanted", ["grand_piano", "Grand Piano", " grand piano "])
def test_a_class_is_found_by_folder_or_name(tree: Path, wanted: str) -> None:
    assert [label.folder for label in read_image_folder(tree, classes=[wanted, wanted]).classes] == ["grand_piano"]


def test_wanted_order_is_kept_and_wnids_work(tree: Path) -> None:
    labels = read_image_folder(tree, classes=["n02110341", "grand piano"]).classes
    assert [label.name for label in labels] == ["dalmatian", "grand piano"]


def test_unknown_class_lists_near_names(tree: Path) -> None:
    with pytest.raises(UnknownClassFolderError, match=r"Unknown class 'grand pino'\. Did you mean grand piano\?"):
        read_image_folder(tree, classes=["grand pino"])
    with pytest.raises(UnknownClassFolderError, match="Known: grand piano, dalmatian"):
        read_image_folder(tree, classes=["xylophone"])


def test_classes_file_gives_names_and_wnids(tree: Path) -> None:
    (tree / "classes.csv").write_text(
        "folder,wnid,imagenet_index,imagenet_name\ngrand_piano,n03452741,579,concert grand\n", encoding="utf-8"
    )
    label = read_image_folder(tree, classes=["concert grand"]).classes[0]
    assert (label.name, label.folder, label.wnid) == ("concert grand", "grand_piano", "n03452741")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("wnid,imagenet_name\n", "expected folder and at least one of"),
        ("folder\ngrand_piano\n", "expected folder and at least one of"),
        ("folder,wnid\ngrand_piano,579\n", "'579' is no WordNet id"),
    ],
)
def test_malformed_classes_file(tree: Path, content: str, message: str) -> None:
    (tree / "classes.csv").write_text(content, encoding="utf-8")
    with pytest.raises(DatasetError, match=message):
        read_image_folder(tree)


def test_equal_names_are_told_apart(tmp_path: Path) -> None:
    save(tmp_path / "n02012849" / "bird.png", (1, 1, 1))
    save(tmp_path / "n03126707" / "machine.png", (2, 2, 2))
    (tmp_path / "classes.csv").write_text("folder,name\nn02012849,crane\nn03126707,crane\n", encoding="utf-8")
    assert [label.name for label in read_image_folder(tmp_path).classes] == ["crane (n02012849)", "crane (n03126707)"]


def test_imagenets_two_cranes_have_different_names(tmp_path: Path) -> None:
    save(tmp_path / "n02012849" / "bird.png", (1, 1, 1))
    save(tmp_path / "n03126707" / "machine.png", (2, 2, 2))
    assert len({label.name for label in read_image_folder(tmp_path).classes}) == 2


def test_every_bad_image_is_reported_with_its_reason(tree: Path) -> None:
    folder = tree / "grand_piano"
    (folder / "a_text.jpg").write_text("not an image", encoding="utf-8")
    (folder / "b_empty.png").write_bytes(b"")
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "c_whole.jpg")
    whole = (folder / "c_whole.jpg").read_bytes()
    (folder / "c_whole.jpg").unlink()
    (folder / "d_truncated.jpg").write_bytes(whole[: len(whole) // 2])
    save(folder / "e_huge.png", size=(100, 41))
    (folder / "f_apple.heic").write_bytes(b"ftypheic")
    (folder / "z_copy.png").write_bytes((folder / "image_1.png").read_bytes())
    (tree / "n02110341" / "copy.png").write_bytes((folder / "image_1.png").read_bytes())
    for ignored in ("notes.txt", "list.csv", ".DS_Store", "README"):
        (folder / ignored).write_text("x", encoding="utf-8")

    images = read_image_folder(tree, maximum_pixels=4096)

    reasons = {entry.path: entry.reason for entry in images.skipped}
    assert reasons == {
        "grand_piano/a_text.jpg": SkipReason.UNREADABLE,
        "grand_piano/b_empty.png": SkipReason.UNREADABLE,
        "grand_piano/d_truncated.jpg": SkipReason.UNREADABLE,
        "grand_piano/e_huge.png": SkipReason.TOO_LARGE,
        "grand_piano/f_apple.heic": SkipReason.UNREADABLE,
        "grand_piano/z_copy.png": SkipReason.DUPLICATE,
        "n02110341/copy.png": SkipReason.DUPLICATE,
    }
    details = {entry.path: entry.detail for entry in images.skipped}
    assert details["grand_piano/b_empty.png"] == "The file is empty."
    assert "100 × 41" in details["grand_piano/e_huge.png"]
    assert details["n02110341/copy.png"] == "Same content as grand_piano/image_1.png."
    assert {entry.class_name for entry in images.skipped} == {"grand piano", "dalmatian"}
    assert all(entry.network is None for entry in images.skipped)
    assert len(images.images) == 4


def test_a_decompression_bomb_is_too_large_even_with_a_generous_limit(tree: Path) -> None:
    # A PNG header that promises 30000 × 30000 pixels: beyond Pillow's own hard limit.
    content = bytearray(save(tree / "grand_piano" / "bomb.png").read_bytes())
    content[16:24] = (30_000).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(bytes(content[12:29])).to_bytes(4, "big")
    (tree / "grand_piano" / "bomb.png").write_bytes(bytes(content))
    for limit in (100_000_000, 10**12):
        skipped = read_image_folder(tree, maximum_pixels=limit).skipped
        assert [(entry.path, entry.reason) for entry in skipped] == [("grand_piano/bomb.png", SkipReason.TOO_LARGE)]


def test_skip_reasons_are_those_of_the_manifest() -> None:
    schema = json.loads((ROOT / "contracts" / "manifest.schema.json").read_text(encoding="utf-8"))
    allowed = schema["properties"]["skipped"]["items"]["properties"]["reason"]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert [reason.value for reason in SkipReason] == allowed["enum"]


def test_an_empty_class_is_a_clear_error(tree: Path) -> None:
    (tree / "violin").mkdir()
    with pytest.raises(EmptyClassError, match="'violin' has no usable image"):
        read_image_folder(tree)
    (tree / "violin" / "a.jpg").write_bytes(b"")
    with pytest.raises(EmptyClassError, match=r"1 image files, all skipped \(the first: The file is empty\.\)"):
        read_image_folder(tree)
    assert len(read_image_folder(tree, classes=["grand piano"]).images) == 3


def test_a_root_that_is_no_image_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not a folder"):
        read_image_folder(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="holds no folders"):
        read_image_folder(tmp_path)


def test_images_in_deeper_folders_are_found(tree: Path) -> None:
    save(tree / "grand_piano" / "more" / "image_3.png", (3, 3, 3))
    paths = [image.relative_path for image in read_image_folder(tree, classes=["grand piano"]).images]
    assert "grand_piano/more/image_3.png" in paths


def test_every_colour_mode_becomes_rgb(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    Image.new("L", (4, 3), 77).save(path)
    np.testing.assert_array_equal(read_image(path), np.full((3, 4, 3), 77))
    Image.fromarray(np.full((3, 4), 257 * 200, dtype=np.uint16)).save(path)
    np.testing.assert_array_equal(read_image(path), np.full((3, 4, 3), 200))
    Image.new("RGBA", (4, 3), (255, 0, 0, 0)).save(path)
    np.testing.assert_array_equal(read_image(path), np.full((3, 4, 3), 255))
    Image.new("LA", (4, 3), (0, 51)).save(path)
    np.testing.assert_array_equal(read_image(path), np.full((3, 4, 3), 204))
    palette = Image.new("P", (4, 3), 1)
    palette.putpalette([0, 0, 0, 9, 8, 7])
    palette.save(path)
    np.testing.assert_array_equal(read_image(path), np.full((3, 4, 3), [9, 8, 7]))
    palette.save(path, transparency=1)
    np.testing.assert_array_equal(read_image(path), np.full((3, 4, 3), 255))
    Image.new("1", (4, 3), 1).save(path)
    np.testing.assert_array_equal(read_image(path), np.full((3, 4, 3), 255))
    Image.new("CMYK", (4, 3), (0, 0, 0, 0)).save(tmp_path / "ink.jpg")
    np.testing.assert_allclose(read_image(tmp_path / "ink.jpg"), 255, atol=2)


def test_32_bit_values_are_refused_in_words(tmp_path: Path) -> None:
    Image.fromarray(np.full((3, 4), 70_000, dtype=np.int32)).save(tmp_path / "deep.tiff")
    with pytest.raises(UnreadableImageError, match="expected 8 or 16 bits"):
        read_image(tmp_path / "deep.tiff")


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    root = tmp_path / "set"
    (root / "cat").mkdir(parents=True)
    picture = Image.new("RGB", (16, 8), (0, 0, 255))
    picture.paste((255, 255, 255), (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned by 90°: show it turned clockwise
    picture.save(root / "cat" / "a.png", exif=exif)
    image = read_image_folder(root).images[0]
    assert (image.width, image.height) == (8, 16)
    pixels = read_image(image.path)
    assert pixels.shape == (16, 8, 3)
    np.testing.assert_array_equal(pixels[:8], 255)


def test_read_image_resizes_without_cropping(tmp_path: Path) -> None:
    picture = Image.new("RGB", (40, 20), (0, 0, 0))
    picture.paste((255, 255, 255), (20, 0, 40, 20))
    picture.save(tmp_path / "half.png")
    pixels = read_image(tmp_path / "half.png", size=(10, 10))
    assert pixels.shape == (10, 10, 3) and pixels.dtype == np.uint8
    assert pixels[:, :4].max() == 0 and pixels[:, 6:].min() == 255
    # Antialiased: reducing fine stripes gives their mean, not one of the two colours.
    stripes = np.tile(np.array([0, 200], dtype=np.uint8), (64, 32))
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    np.testing.assert_allclose(read_image(tmp_path / "stripes.png", size=(8, 8)), 100, atol=10)


def test_read_image_errors_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match=r"missing\.png cannot be read"):
        read_image(tmp_path / "missing.png")
    save(tmp_path / "big.png", size=(20, 20))
    with pytest.raises(ImageTooLargeError, match=r"big\.png: The image has 20 × 20 pixels"):
        read_image(tmp_path / "big.png", maximum_pixels=399)


@given(st.lists(st.integers(min_value=0, max_value=10**6), min_size=1, unique=True))
def test_natural_order_is_the_order_of_the_numbers(numbers: list[int]) -> None:
    names = [f"image_{number}.png" for number in numbers]
    assert sorted(names, key=natural_key) == [f"image_{number}.png" for number in sorted(numbers)]


@given(st.lists(st.text(max_size=12), max_size=6))
def test_natural_order_accepts_any_names(names: list[str]) -> None:
    keys = [natural_key(name) for name in names]
    assert all(first <= second for first, second in itertools.pairwise(sorted(keys)))


def write_parts(root: Path, indices: np.ndarray, names: object = ("background", "head", "wing")) -> None:
    save(root / "robin" / "robin-1.png", size=(4, 4))
    (root / "parts" / "robin").mkdir(parents=True)
    Image.fromarray(indices).save(root / "parts" / "robin" / "robin-1.png")
    (root / "parts.json").write_text(json.dumps({"names": names, "synthetic": True}), encoding="utf-8")


def test_part_masks(tmp_path: Path) -> None:
    indices = np.zeros((4, 4), dtype=np.uint8)
    indices[:2, :2] = 1
    write_parts(tmp_path, indices)
    images = read_image_folder(tmp_path)
    assert images.synthetic
    assert [label.folder for label in images.classes] == ["robin"]
    masks = read_part_masks(images.images[0], (8, 8))
    assert list(masks) == ["head"]  # no pixel of the wing is to be seen
    expected = np.zeros((8, 8), dtype=bool)
    expected[:4, :4] = True
    np.testing.assert_array_equal(masks["head"], expected)


def test_part_masks_that_do_not_fit(tmp_path: Path, tree: Path) -> None:
    with pytest.raises(DatasetError, match="has no part masks"):
        read_part_masks(read_image_folder(tree).images[0], (8, 8))
    write_parts(tmp_path / "birds", np.full((4, 4), 9, dtype=np.uint8))
    with pytest.raises(DatasetError, match="has index 9, but only 3 names"):
        read_part_masks(read_image_folder(tmp_path / "birds").images[0], (8, 8))


@pytest.mark.parametrize("content", ["[", "[]", '{"names": "head", "synthetic": true}', '{"names": ["a", "b"]}'])
def test_malformed_part_names(tree: Path, content: str) -> None:
    (tree / "parts.json").write_text(content, encoding="utf-8")
    with pytest.raises(DatasetError, match=r"parts\.json"):
        read_image_folder(tree)


def test_a_class_may_be_called_parts(tree: Path) -> None:
    save(tree / "parts" / "screw.png", (5, 5, 5))
    assert "parts" in [label.name for label in read_image_folder(tree).classes]


def test_imagenette_layout(tmp_path: Path) -> None:
    for number, wnid in enumerate(("n01440764", "n03888257")):
        save(tmp_path / "imagenette2-320" / "val" / wnid / "a.JPEG", (number, 200, 0))
    images = torchvision_dataset("imagenette", tmp_path, download=False)
    assert [(label.name, label.wnid) for label in images.classes] == [
        ("tench", "n01440764"),
        ("parachute", "n03888257"),
    ]
    assert images.name == "imagenette"
    assert images.images[0].relative_path == "n01440764/a.JPEG"


def test_caltech101_layout(tmp_path: Path) -> None:
    base = tmp_path / "caltech101" / "101_ObjectCategories"
    save(base / "BACKGROUND_Google" / "image_0001.jpg")
    for number in range(1, 4):
        save(base / "grand_piano" / f"image_{number:04d}.jpg", (number * 40, 0, 0))
    images = torchvision_dataset("caltech101", tmp_path, classes=["grand piano"], per_class=2, download=False)
    assert [image.relative_path for image in images.images] == [
        "grand_piano/image_0001.jpg",
        "grand_piano/image_0002.jpg",
    ]
    with pytest.raises(UnknownClassFolderError):
        torchvision_dataset("caltech101", tmp_path, classes=["BACKGROUND_Google"], download=False)


def test_oxford_pet_layout(tmp_path: Path) -> None:
    base = tmp_path / "oxford-iiit-pet"
    for number, stem in enumerate(("Maine_Coon_1", "Maine_Coon_10", "Maine_Coon_2", "pug_1")):
        save(base / "images" / f"{stem}.jpg", (number * 50, 0, 0))
    (base / "annotations").mkdir()
    (base / "annotations" / "trainval.txt").write_text(
        "Maine_Coon_10 1 1 1\nMaine_Coon_2 1 1 1\npug_1 2 2 1\n", encoding="utf-8"
    )
    images = torchvision_dataset("oxford-iiit-pet", tmp_path, download=False)
    assert [label.name for label in images.classes] == ["Maine Coon", "pug"]
    assert [image.path.name for image in images.images] == ["Maine_Coon_2.jpg", "Maine_Coon_10.jpg", "pug_1.jpg"]


@pytest.mark.parametrize("name", ["imagenette", "caltech101", "oxford-iiit-pet"])
def test_a_missing_download_is_one_clear_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(DownloadError, match="is not complete under") as caught:
        torchvision_dataset(name, tmp_path, download=False)
    assert "\n" not in str(caught.value)
    assert "Allow the download" in str(caught.value)


def test_unknown_torchvision_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="known data sets: imagenette, caltech101, oxford-iiit-pet"):
        torchvision_dataset("imagenet", tmp_path)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the development photographs are not here")
def test_real_photographs() -> None:
    images = read_image_folder(SHARED, classes=["grand piano", "dalmatian"], per_class=3)
    assert [label.wnid for label in images.classes] == ["n03452741", "n02110341"]
    assert len(images.images) == 6
    assert read_image(images.images[0].path, size=(224, 224)).shape == (224, 224, 3)
