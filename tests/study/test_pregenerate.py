"""`manage.py pregenerate` as a person meets it: what it prints, what it refuses, how it stops and goes on."""

import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
NETWORK_SOURCE = '''
"""A network that counts red and blue stripes."""

import torch

from vsum_core.networks import NetworkSpecification


class Stripes(torch.nn.Module):
    def forward(self, images):
        red = torch.relu(images[:, 0] - images[:, 2])
        blue = torch.relu(images[:, 2] - images[:, 0])
        return 200 * torch.stack([torch.relu(c.diff(dim=2).abs() - 0.15).mean(dim=(1, 2)) for c in (red, blue)], dim=1)


def factory():
    return Stripes(), NetworkSpecification(
        name="stripes", weights="none", input_height=64, input_width=64, mean=(0, 0, 0), std=(1, 1, 1),
        categories=("red thing", "blue thing"),
    )
'''
NETWORK = "counting_stripes:factory"


def draw(colour, generator):
    """A striped square of one colour somewhere on grey noise."""
    picture = generator.integers(100, 140, size=(160, 160, 1), dtype=np.uint8).repeat(3, axis=2)
    left, top = generator.integers(10, 70, size=2)
    picture[top : top + 75, left : left + 75] = colour
    for offset in range(5, 75, 15):
        picture[top : top + 75, left + offset : left + offset + 4] = 245
    return Image.fromarray(picture)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Folders `things` (two classes of three images) and `code`, and the file `weights.pt`."""
    directory = tmp_path_factory.mktemp("world")
    generator = np.random.default_rng(0)
    for name, colour in (("red_thing", (220, 30, 30)), ("blue_thing", (30, 40, 220))):
        (directory / "things" / name).mkdir(parents=True)
        for number in range(3):
            draw(colour, generator).save(directory / "things" / name / f"{number}.png")
    (directory / "code").mkdir()
    (directory / "code" / "counting_stripes.py").write_text(NETWORK_SOURCE)
    torch.save({}, directory / "weights.pt")
    return directory


@pytest.fixture(autouse=True)
def own_var(settings, tmp_path, world, monkeypatch):
    settings.VAR_DIRECTORY = tmp_path / "var"
    monkeypatch.syspath_prepend(str(world / "code"))


def arguments(world, out, **changes):
    """The command line; an option of value None is left out, True is a flag."""
    options = {
        "images": world / "things",
        "networks": NETWORK,
        "checkpoint": world / "weights.pt",
        "preset": "fast",
        "device": "cpu",
        "workers": 1,
        "out": out,
    } | changes
    line = []
    for name, value in options.items():
        if value is not None:
            line.extend(
                [f"--{name.replace('_', '-')}"] if value is True else [f"--{name.replace('_', '-')}", str(value)]
            )
    return line


def run(world, out, **changes):
    output = io.StringIO()
    call_command("pregenerate", *arguments(world, out, **changes), stdout=output)
    return output.getvalue()


@pytest.fixture(scope="module")
def finished(world, tmp_path_factory):
    """A finished run directory, what was printed, and the table as JSON."""
    directory = tmp_path_factory.mktemp("finished")
    sys.path.insert(0, str(world / "code"))
    try:
        printed = run(world, directory / "run", json=directory / "tables" / "run.json")
    finally:
        sys.path.remove(str(world / "code"))
    return directory / "run", printed, json.loads((directory / "tables" / "run.json").read_text())


def test_a_run_prints_its_stages_and_a_table(finished):
    directory, printed, _ = finished
    assert "counting_stripes:factory: screening: 6 of 6\n" in printed
    assert "region proposals: 6 of 6\n" in printed
    assert "coverage" in printed
    assert (directory / "manifest.json").is_file()
    assert "\x1b" not in printed


def test_precision_is_part_of_the_configuration(finished, world, tmp_path):
    run(world, tmp_path / "run", precision="bfloat16", per_class=2)
    exact, rough = (json.loads((path / "manifest.json").read_text()) for path in (finished[0], tmp_path / "run"))
    assert not exact["run"]["config"]["masks"]["bfloat16"]
    assert not exact["run"]["config"]["masks"]["compile_network"]
    assert rough["run"]["config"]["masks"]["bfloat16"]


@pytest.mark.compiles
@pytest.mark.slow
def test_a_run_with_compiled_networks_is_estimated_and_made(world, tmp_path, compiler):
    printed = run(world, tmp_path / "estimate", compile=True, estimate=True, per_class=2)
    assert re.search(r"short calibration and earlier runs on this machine: \d+ s", printed)
    run(world, tmp_path / "run", compile=True, per_class=2)
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["run"]["config"]["masks"]["compile_network"]
    assert len(manifest["masks"]) == 4


def test_the_table_is_written_as_json_too(finished):
    _, _, table = finished
    assert [(row["class"], row["network"], row["images"]) for row in table] == [
        ("blue thing", NETWORK, 3),
        ("red thing", NETWORK, 3),
    ]
    for row in table:
        assert row["p sharp"] < row["p0"] <= 1
        assert 0 < row["area"] < 1
        assert isinstance(row["regions"], int)


def test_a_second_run_has_nothing_to_do(finished, world):
    directory, _, _ = finished
    before = (directory / "manifest.json").read_bytes()
    stages = re.findall(r"^(.+): (\d+ of \d+|nothing to do)$", run(world, directory), flags=re.MULTILINE)
    assert len(stages) >= 3
    assert {done for _, done in stages} == {"nothing to do"}
    assert (directory / "manifest.json").read_bytes() == before


def test_quiet_prints_nothing(finished, world, capsys):
    assert run(world, finished[0], quiet=True) == ""
    assert capsys.readouterr() == ("", "")


def test_a_corrupt_image_is_reported_and_the_rest_goes_on(world, tmp_path):
    things = tmp_path / "things" / "red_thing"
    things.mkdir(parents=True)
    for number in range(2):
        (things / f"{number}.png").write_bytes((world / "things" / "red_thing" / f"{number}.png").read_bytes())
    (things / "broken.jpg").write_bytes(b"\xff\xd8 this is no picture")
    printed = run(world, tmp_path / "run", images=tmp_path / "things")
    assert "Skipped: 1 unreadable (each with its reason in manifest.json)." in printed
    (skipped,) = json.loads((tmp_path / "run" / "manifest.json").read_text())["skipped"]
    assert (skipped["path"], skipped["reason"]) == ("red_thing/broken.jpg", "unreadable")
    assert skipped["detail"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"networks": "efficientnet-lit0", "checkpoint": None},
            r"Unknown network 'efficientnet-lit0'.*efficientnet-lite0",
        ),
        ({"networks": "counting_stripes:nothing"}, "Cannot import 'nothing' from 'counting_stripes'"),
        ({"networks": ","}, "at least one network"),
        ({"networks": f"{NETWORK},{NETWORK}"}, "each name once"),
        ({"checkpoint": None}, "needs a checkpoint"),
        ({"checkpoint": Path("/nowhere/weights.pt")}, "does not exist"),
        ({"networks": "efficientnet-lite0"}, "A checkpoint needs a name such as my.module:factory"),
        ({"networks": "efficientnet-lite0", "checkpoint": None}, r"has no class 'blue thing'.*Near names"),
        ({"classes": "red thong"}, r"Unknown class 'red thong'\. Did you mean red thing, "),
        ({"images": Path("/nowhere")}, "/nowhere is not a folder"),
        ({"images": None, "dataset": "imaginet"}, r"imaginet.*imagenette"),
        ({"precision": "float16"}, "invalid choice: 'float16'"),
        ({"preset": "quick"}, "Unknown preset 'quick'; known presets: reference, default, fast"),
        ({"arms": "chance"}, "Unknown control arm 'chance'; known arms: random-regions"),
        ({"methods": "gradcam"}, "Unknown explanation method 'gradcam'.*Did you mean 'grad-cam'"),
        ({"methods": ","}, "at least one explanation method"),
        ({"method_area": 1.5}, "area must be between 0 and 1"),
        ({"device": "gpu9"}, "Unknown device 'gpu9'; use auto, cpu or cuda"),
        ({"per_class": 0}, "per_class must be 1 or more"),
        ({"images": None, "dataset": "drawn-birds", "per_class": 0}, "per_species must be 1 or more"),
        ({"workers": 0}, "workers must be 1 or more"),
        ({"seed": -1}, "seed must be 0 or more"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_before_any_work(world, tmp_path, changes, message):
    with pytest.raises(CommandError, match=message) as caught:
        run(world, tmp_path / "run", **changes)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_an_empty_class_is_named(world, tmp_path):
    (tmp_path / "things" / "green_thing").mkdir(parents=True)
    with pytest.raises(CommandError, match="green thing"):
        run(world, tmp_path / "run", images=tmp_path / "things")


def test_missing_weights_say_what_to_do(world, tmp_path, monkeypatch):
    """A network of torchvision without weights on disk, behind a proxy that nobody answers for."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CommandError, match=r"could not be read or downloaded.*efficientnet-lite0") as caught:
        run(world, tmp_path / "run", networks="resnet18", checkpoint=None)
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "var" / "networks") in str(caught.value)


def test_a_checkpoint_that_does_not_fit_is_one_line(world, tmp_path):
    torch.save({"weight": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(CommandError, match=r"other\.pt does not fit") as caught:
        run(world, tmp_path / "run", checkpoint=tmp_path / "other.pt")
    assert "\n" not in str(caught.value)


def test_a_network_of_ones_own_beside_another(world, tmp_path):
    """The checkpoint belongs to the network with a colon; the other one is loaded as always, and has no such class."""
    with pytest.raises(CommandError, match="Network efficientnet-lite0 has no class"):
        run(world, tmp_path / "run", networks=f"{NETWORK},efficientnet-lite0")


@pytest.mark.parametrize("place", ["out", "json"])
def test_a_place_that_cannot_be_written_is_named(finished, world, tmp_path, place):
    (tmp_path / "file").write_text("a file, not a folder")
    changes = {place: tmp_path / "file" / "below"}
    with pytest.raises(CommandError, match=r"Cannot (?:use|write) .*file/below: (?:Not a |File exists)") as caught:
        run(world, changes.pop("out", finished[0]), **changes)
    assert "\n" not in str(caught.value)


def test_fewer_drawn_birds_than_an_earlier_run_drew(settings, tmp_path):
    """Birds of an earlier, larger run stay in the folder and must not slip into a smaller one."""
    from study.management.commands import pregenerate

    options = {"images": None, "dataset": "drawn-birds", "classes": "robin", "seed": 0}
    counts = {}
    for per_class in (14, 3, None):
        images = pregenerate.read_images(options | {"per_class": per_class}, None)
        counts[per_class] = len(images.images)
    assert counts == {14: 14, 3: 3, None: pregenerate.BIRDS_PER_SPECIES}


def in_a_process(world, tmp_path, *line):
    """The command in a process of its own, its output line by line."""
    environment = os.environ | {
        "VAR_DIRECTORY": str(tmp_path / "var"),
        "PYTHONPATH": str(world / "code"),
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", "pregenerate", *line],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Shells start what runs in the background deaf to Ctrl-C, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_control_c_keeps_what_is_finished_and_says_how_to_go_on(world, finished, tmp_path):
    line = arguments(world, tmp_path / "run")
    with in_a_process(world, tmp_path, *line) as process:
        try:
            for printed in process.stdout:
                if printed.startswith(f"{NETWORK}, visual-summaries: masks"):
                    break
            process.send_signal(signal.SIGINT)  # while proposals are made
            output, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, output + errors
    assert errors.strip().splitlines()[-1].endswith("run the same command again to resume.")
    assert "Traceback" not in errors
    assert not (tmp_path / "run" / "manifest.json").exists()
    printed = run(world, tmp_path / "run")
    assert f"{NETWORK}, visual-summaries: masks: nothing to do" in printed
    assert (tmp_path / "run" / "manifest.json").read_bytes() == (finished[0] / "manifest.json").read_bytes()


def test_errors_leave_with_status_1_and_without_a_traceback(world, tmp_path):
    with in_a_process(world, tmp_path, *arguments(world, tmp_path / "run", preset="quick")) as process:
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert output == ""
    assert errors.strip() == "CommandError: Unknown preset 'quick'; known presets: reference, default, fast."


def test_what_a_run_will_cost_and_what_it_did(world, tmp_path):
    def printed(**options):
        output = io.StringIO()
        call_command("pregenerate", *arguments(world, tmp_path / "run", quiet=None, **options), stdout=output)
        return output.getvalue()

    estimate = printed(estimate=True, **{"price-per-hour": 3.6})
    assert re.search(r"From a short calibration and earlier runs on this machine: \d+ s", estimate)
    assert (
        "Not in it, as no run on this machine has told yet: summaries of counting_stripes:factory, visual-summaries."
        in estimate
    )
    assert not (tmp_path / "run" / "manifest.json").exists()
    assert re.search(r"all, by the clock +│ +not known", printed())
    (tmp_path / "run" / "manifest.json").unlink()
    again = printed(**{"price-per-hour": 3.6})
    assert "From earlier runs on this machine" in again
    assert re.search(r"all, by the clock +│ +\d+\.\d+ +│ +\d+\.\d+ +│ +[+-]\d+ %", again)
    assert "Nothing is left to compute." in printed()


def assert_whole(directory):
    """Every file is finished: objects are what their names say, records are JSON and their arrays are there."""
    for path in directory.rglob("*"):
        if path.is_file() and "objects" in path.parts:
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem, path
        elif path.is_file():
            assert path.suffix == ".json", path
            arrays = json.loads(path.read_bytes()).get("arrays")
            assert arrays is None or (directory / arrays).is_file()


def test_a_run_whose_disk_fills_up_goes_on_to_the_same_manifest(finished, world, small_disk):
    """The disk grows, is full again and again in other places, and is read-only in between."""
    directory = small_disk.directory / "run"
    for size in ("64k", "160k", "320k"):
        small_disk.mount("remount", f"size={size}")
        with pytest.raises(
            CommandError, match=r"No space left on device.*Finished work is kept\. Free space"
        ) as caught:
            run(world, directory)
        assert "\n" not in str(caught.value)
        assert_whole(directory)
        assert not (directory / "manifest.json").exists()
    small_disk.mount("remount", "ro", "size=16m")
    with pytest.raises(CommandError, match=r"Read-only file system.*choose a writable --out directory"):
        run(world, directory)
    small_disk.mount("remount", "rw", "size=16m")
    assert f"{NETWORK}: screening: nothing to do" in run(world, directory)
    assert_whole(directory)
    assert (directory / "manifest.json").read_bytes() == (finished[0] / "manifest.json").read_bytes()


def test_drawn_birds_that_do_not_fit_are_one_line(world, settings, small_disk):
    settings.VAR_DIRECTORY = small_disk.directory / "var"
    with pytest.raises(CommandError, match=r"drawn birds cannot be written to .*No space left .*set VAR_DIRECTORY"):
        run(world, small_disk.directory / "run", images=None, dataset="drawn-birds")
