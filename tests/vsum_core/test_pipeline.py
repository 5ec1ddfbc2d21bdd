import dataclasses
import errno
import os

import numpy as np
import pytest
import torch
from PIL import Image

from vsum_core import manifest as manifests
from vsum_core.config import Arm, MethodsConfig, PruningConfig, QualityConfig, preset
from vsum_core.datasets import read_image_folder
from vsum_core.methods import UnsuitableNetworkError, methods_named
from vsum_core.networks import UnknownClassError
from vsum_core.pipeline import control_arms, device_named, pregenerate
from vsum_core.store import StorageError

CPU = torch.device("cpu")


class Recorder:
    """Remembers how much work each stage had; can interrupt at the n-th advance, like a person pressing Ctrl-C."""

    def __init__(self, *, interrupt_at=None):
        self.totals = {}
        self.advances = 0
        self.interrupt_at = interrupt_at

    def start(self, stage, total):
        self.totals[stage] = total

    def advance(self, stage, count=1):
        self.advances += 1
        if self.advances == self.interrupt_at:
            raise KeyboardInterrupt

    def finish(self, stage):
        pass


@pytest.fixture
def config():
    """Few steps, a small frame and few proposals, so that a whole run takes a moment."""
    base = preset("reference", seed=3)
    masks = dataclasses.replace(
        base.masks,
        batch_size=3,
        smooth=dataclasses.replace(base.masks.smooth, steps=25, mask_blur_sigma=1.0, resolution_divisor=4),
        sharp=dataclasses.replace(base.masks.sharp, steps=25, learning_rate=0.2),
    )
    return dataclasses.replace(
        base,
        masks=masks,
        proposals=dataclasses.replace(
            base.proposals, frame_side=112, minimum_side=10, maximum=120, segmentation_scales=(50, 100)
        ),
        rendering=dataclasses.replace(base.rendering, cell_side=120),
    )


def run(folder, network, directory, config, **options):
    return pregenerate(
        read_image_folder(folder),
        network if isinstance(network, list) else [network],
        config=config,
        arms=options.pop("arms", (Arm.RANDOM_REGIONS,)),
        directory=directory,
        device=CPU,
        **options,
    )


def test_from_images_to_a_valid_manifest(thing_folder, colour_network, config, tmp_path):
    manifest = run(thing_folder, colour_network, tmp_path / "run", config)
    assert manifests.read(tmp_path / "run") == manifest
    assert len(manifest["masks"]) == 10
    assert all(mask["p_sharp"] < 0.65 < 0.9 < mask["p0"] for mask in manifest["masks"])  # half is chance
    summaries = [summary for summary in manifest["summaries"] if summary["arm"] == "summaries"]
    random = [summary for summary in manifest["summaries"] if summary["arm"] == "random-regions"]
    assert {summary["class"] for summary in summaries} == {"red thing", "blue thing"}
    assert sorted(len(s["members"]) for s in summaries) == sorted(len(s["members"]) for s in random)
    for summary in manifest["summaries"]:
        assert len({member["image"] for member in summary["members"]}) == len(summary["members"])
        for picture in summary["files"]["cells"]:
            with Image.open(tmp_path / "run" / picture["file"]) as image:
                assert image.size == (picture["width"], picture["height"])
    assert np.mean([s["quality"]["mean_drop"] for s in summaries]) > np.mean(
        [s["quality"]["mean_drop"] for s in random]
    )


def test_a_second_run_computes_nothing_and_writes_the_same(thing_folder, colour_network, config, tmp_path):
    run(thing_folder, colour_network, tmp_path / "run", config)
    before = (tmp_path / "run" / "manifest.json").read_bytes()
    recorder = Recorder()
    run(thing_folder, colour_network, tmp_path / "run", config, progress=recorder)
    assert set(recorder.totals.values()) == {0}
    assert (tmp_path / "run" / "manifest.json").read_bytes() == before


def test_an_interrupted_run_resumes_to_the_same_manifest(thing_folder, colour_network, config, tmp_path):
    whole = Recorder()
    run(thing_folder, colour_network, tmp_path / "whole", config, progress=whole)
    directory = tmp_path / "interrupted"
    for moment in (5, whole.advances // 4, whole.advances // 4):
        with pytest.raises(KeyboardInterrupt):
            run(thing_folder, colour_network, directory, config, progress=Recorder(interrupt_at=moment))
        assert not (directory / "manifest.json").exists()
    run(thing_folder, colour_network, directory, config, workers=2)
    assert (directory / "manifest.json").read_bytes() == (tmp_path / "whole" / "manifest.json").read_bytes()


def test_what_cannot_be_used_is_reported_and_the_rest_goes_on(thing_folder, colour_network, config, tmp_path):
    red = thing_folder / "red_thing"
    (red / "broken.jpg").write_bytes(b"this is no picture")
    Image.open(thing_folder / "blue_thing" / "0.png").transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(red / "blue.png")
    with Image.open(red / "0.png") as image:
        image.rotate(3).convert("CMYK").save(red / "cmyk.jpg", quality=95)
        image.convert("L").save(red / "grey.png")
    manifest = run(thing_folder, colour_network, tmp_path / "run", config)
    reasons = {(skipped["path"], skipped["reason"]) for skipped in manifest["skipped"]}
    assert ("red_thing/broken.jpg", "unreadable") in reasons
    assert ("red_thing/blue.png", "misclassified") in reasons
    assert {path for path, _ in reasons} <= {
        "red_thing/broken.jpg",
        "red_thing/blue.png",
        "red_thing/grey.png",  # grey has no colour to count: the network may answer anything
    }
    used = {mask["image"] for mask in manifest["masks"]}
    cmyk = next(image for image in manifest["images"] if image["path"] == "red_thing/cmyk.jpg")
    assert cmyk["id"] in used


def test_a_class_whose_images_are_all_misclassified_gives_no_summaries(thing_folder, colour_network, config, tmp_path):
    (thing_folder / "red_thing").rename(tmp_path / "aside")
    (thing_folder / "blue_thing").rename(thing_folder / "red_thing")
    manifest = run(thing_folder, colour_network, tmp_path / "run", config)
    assert manifest["summaries"] == []
    assert manifest["networks"][0]["images_correct"] == 0
    assert [clustering["regions"] for clustering in manifest["clusterings"]] == [0, 0]


def test_a_class_the_network_does_not_know_is_an_error_before_any_work(thing_folder, colour_network, config, tmp_path):
    (thing_folder / "red_thing").rename(thing_folder / "red_thong")
    with pytest.raises(UnknownClassError, match="red thing"):
        run(thing_folder, colour_network, tmp_path / "run", config)
    assert not (tmp_path / "run").exists()


def test_a_full_disk_keeps_what_is_finished(thing_folder, colour_network, config, tmp_path, monkeypatch):
    written = 0
    fsync = os.fsync

    def filling(descriptor):
        nonlocal written
        written += 1
        if written > 30:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", filling)
    with pytest.raises(StorageError, match="No space left on device"):
        run(thing_folder, colour_network, tmp_path / "run", config)
    monkeypatch.undo()
    recorder = Recorder()
    run(thing_folder, colour_network, tmp_path / "run", config, progress=recorder)
    assert recorder.totals["colour-detector: screening"] == 0


def test_what_a_network_yields_does_not_depend_on_the_other_networks_of_the_run(
    thing_folder, colour_network, short_sighted_network, config, tmp_path
):
    """Otherwise two networks could not be compared. Images that only the other network gets right are no exception."""

    def records(manifest, network):
        return {
            kind: [record for record in manifest[kind] if record["network"] == network.specification.name]
            for kind in ("masks", "clusterings", "summaries")
        }

    config = dataclasses.replace(
        config, quality=QualityConfig(minimum_members=2), pruning=PruningConfig(minimum_masked=0.3)
    )
    for index in range(5):  # the image that one network gets wrong comes first, so that the positions of others differ
        (thing_folder / "blue_thing" / f"{index}.png").rename(thing_folder / "blue_thing" / f"{9 - index}.png")
    together = run(thing_folder, [colour_network, short_sighted_network], tmp_path / "together", config)
    assert [network["images_correct"] for network in together["networks"]] == [10, 9]
    alone = run(thing_folder, short_sighted_network, tmp_path / "alone", config)
    assert records(alone, short_sighted_network) == records(together, short_sighted_network)
    assert alone["summaries"]
    later = Recorder()
    added = run(thing_folder, [short_sighted_network, colour_network], tmp_path / "alone", config, progress=later)
    assert records(added, colour_network) == records(together, colour_network)
    assert records(added, short_sighted_network) == records(together, short_sighted_network)
    assert later.totals["short-sighted, visual-summaries: masks"] == 0


def test_pictures_with_whole_components_or_with_the_region_alone(thing_folder, colour_network, config, tmp_path):
    def cyan(with_components):
        rendering = dataclasses.replace(config.rendering, with_components=with_components, component_width=4)
        changed = dataclasses.replace(config, rendering=rendering)
        manifest = run(thing_folder, colour_network, tmp_path / "run", changed, arms=(Arm.WHOLE_IMAGES,))
        counts = {}
        for summary in manifest["summaries"]:
            for picture in summary["files"]["cells"]:
                with Image.open(tmp_path / "run" / picture["file"]) as image:
                    red, green, blue = np.asarray(image.convert("RGB"), dtype=int).transpose(2, 0, 1)
                counts.setdefault(summary["arm"], []).append(((green - red > 100) & (blue - red > 100)).sum())
        return counts

    outlined, plain = cyan(True), cyan(False)
    assert min(outlined["summaries"]) > 20
    assert max(plain["summaries"]) == 0
    assert max(outlined["whole-images"] + plain["whole-images"]) == 0


def test_all_control_arms(thing_folder, colour_network, config, tmp_path):
    arms = control_arms("random-regions,shuffled-clusters,whole-images")
    manifest = run(thing_folder, colour_network, tmp_path / "run", config, arms=arms)
    counted = {clustering["arm"] for clustering in manifest["clusterings"]}
    assert counted == {"summaries", "random-regions", "shuffled-clusters", "whole-images"}
    whole = [summary for summary in manifest["summaries"] if summary["arm"] == "whole-images"]
    assert whole
    assert all(member["box"] == [0.0, 0.0, 1.0, 1.0] for summary in whole for member in summary["members"])


def test_names_of_arms_and_devices():
    assert control_arms("none") == ()
    with pytest.raises(ValueError, match="known arms: random-regions"):
        control_arms("rando")
    assert device_named("cpu").type == "cpu"
    with pytest.raises(ValueError, match="Unknown device 'gpu9'"):
        device_named("gpu9")


def test_methods_are_conditions_of_their_own_and_leave_the_crisp_masks_alone(
    thing_folder, colour_network, config, tmp_path
):
    def of_method(manifest, name):
        return {
            kind: [record for record in manifest[kind] if record["method"] == name]
            for kind in ("masks", "clusterings", "summaries")
        }

    config = dataclasses.replace(config, quality=QualityConfig(minimum_members=2))
    alone = run(thing_folder, colour_network, tmp_path / "alone", config)
    both = run(
        thing_folder,
        colour_network,
        tmp_path / "both",
        config,
        methods=methods_named("occlusion,visual-summaries"),
    )
    assert of_method(both, "visual-summaries") == of_method(alone, "visual-summaries")
    assert both["run"]["digest"] != alone["run"]["digest"]
    crisp, occluded = (of_method(both, name) for name in ("visual-summaries", "occlusion"))
    assert occluded["summaries"] and not {s["id"] for s in occluded["summaries"]} & {
        s["id"] for s in crisp["summaries"]
    }
    for mask, other in zip(crisp["masks"], occluded["masks"], strict=True):
        assert (mask["image"], other["p_smooth"]) == (other["image"], None)
        assert other["area"] == pytest.approx(mask["area"], abs=0.1)  # the crisp mask is not wholly binary
    recorder = Recorder()
    only = run(
        thing_folder,
        colour_network,
        tmp_path / "both",
        config,
        methods=methods_named("occlusion"),
        progress=recorder,
    )
    assert of_method(only, "occlusion") == occluded and not of_method(only, "visual-summaries")["masks"]
    assert set(recorder.totals.values()) == {0}


def test_a_fixed_share_needs_no_crisp_masks(thing_folder, colour_network, config, tmp_path):
    config = dataclasses.replace(config, methods=MethodsConfig(area=0.25))
    recorder = Recorder()
    manifest = run(
        thing_folder, colour_network, tmp_path / "run", config, methods=methods_named("occlusion"), progress=recorder
    )
    assert "colour-detector, visual-summaries: masks" not in recorder.totals
    assert {mask["area"] for mask in manifest["masks"]} == {0.25}
    for wrong in ([], methods_named("occlusion") * 2):
        with pytest.raises(ValueError, match="each name once"):
            run(thing_folder, colour_network, tmp_path / "run", config, methods=wrong)
    with pytest.raises(ValueError, match="area"):
        MethodsConfig(area=1.0)


def test_a_method_that_cannot_explain_a_network_says_so(thing_folder, colour_network, config, tmp_path):
    with pytest.raises(UnsuitableNetworkError, match="colour-detector"):
        run(thing_folder, colour_network, tmp_path / "run", config, methods=methods_named("grad-cam"))


def test_images_held_out_are_in_no_summary_and_have_predictions(thing_folder, colour_network, config, tmp_path):
    manifest = run(thing_folder, colour_network, tmp_path / "run", config, held_out=1)
    assert manifests.read(tmp_path / "run") == manifest
    predictions = manifest["predictions"]
    classes = {image["id"]: image["class"] for image in manifest["images"]}
    assert {classes[record["image"]] for record in predictions} == {"red thing", "blue thing"}
    kept = {record["image"] for record in predictions}
    members = {member["image"] for summary in manifest["summaries"] for member in summary["members"]}
    assert kept.isdisjoint(members)
    assert kept.isdisjoint({mask["image"] for mask in manifest["masks"]})
    for record in predictions:
        assert record["correct"] == (record["answer"] == classes[record["image"]])
        with Image.open(tmp_path / "run" / record["picture"]["file"]) as picture:
            assert picture.size == (record["picture"]["width"], record["picture"]["height"])
            assert max(picture.size) <= 480
    assert manifest["run"]["digest"] != run(thing_folder, colour_network, tmp_path / "all", config)["run"]["digest"]


def test_not_all_images_can_be_held_out(thing_folder, colour_network, config, tmp_path):
    with pytest.raises(ValueError, match="to be held out; hold out fewer"):
        run(thing_folder, colour_network, tmp_path / "run", config, held_out=50)
