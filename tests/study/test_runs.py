import io
import json
import shutil
import struct
import zlib

import pytest
from PIL import Image

from study.allocation import TrialSplit
from study.models import Condition, ImportedRun, Slot, Stimulus
from study.run_directory import RunDirectoryError, picture_size
from study.services.runs import import_run
from study.services.studies import create_study, launch_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def copy(run_directory, tmp_path):
    """A run that a test may spoil."""
    return shutil.copytree(run_directory, tmp_path / "run")


@pytest.fixture
def manifest(copy):
    return json.loads((copy / "manifest.json").read_text())


def write(directory, manifest):
    (directory / "manifest.json").write_text(json.dumps(manifest))


def test_everything_of_the_run_is_there(draft, copy, media_root):
    done = import_run(draft, copy)
    assert (done.created, done.run.synthetic) == (True, True)
    assert Condition.objects.count() == 4
    condition = Condition.objects.get(network="small", arm="summaries")
    assert (condition.coverage, condition.network_accuracy) == (0.75, 0.75)
    assert Condition.objects.get(network="small", arm="random-regions").coverage is None
    stimulus = Stimulus.objects.get(identifier="small-robin-summaries-0")
    assert stimulus.quality["part"] == "beak"
    assert (stimulus.grid.width, stimulus.grid.height) == (72, 16)
    for picture in [stimulus.grid, *stimulus.cells]:
        assert picture.path == media_root / "stimuli" / picture.sha256[:2] / f"{picture.sha256}.webp"
        assert picture.path.read_bytes() == (copy / "objects" / picture.sha256[:2] / picture.path.name).read_bytes()
    assert done.pictures_copied == len(list(media_root.rglob("*.webp"))) == 16 * 7


def test_the_plan_is_drawn(draft, copy):
    done = import_run(draft, copy)
    assert (done.plan.slots, done.plan.drawn) == (6, (TrialSplit(summaries=6, controls=2),))
    assert not done.plan.is_short
    known = set(Stimulus.objects.values_list("identifier", flat=True))
    for slot in Slot.objects.all():
        assert len(set(slot.stimuli)) == 8
        assert known.issuperset(slot.stimuli)


def test_importing_again_changes_nothing_and_mends_pictures(draft, copy, media_root):
    first = import_run(draft, copy)
    plan = list(Slot.objects.values())
    lost = next(media_root.rglob("*.webp"))
    lost.unlink()
    again = import_run(draft, copy)
    assert (again.created, again.run, again.pictures_copied, again.plan) == (False, first.run, 1, None)
    assert lost.exists()
    assert list(Slot.objects.values()) == plan
    assert Stimulus.objects.count() == 16


def test_a_running_study_takes_its_own_run_but_no_other(study, run_directory, copy, manifest):
    assert not import_run(study, run_directory).created
    manifest["run"]["digest"] = "a" * 64
    write(copy, manifest)
    with pytest.raises(RunDirectoryError, match="is running; stimuli can only be added to a draft"):
        import_run(study, copy)


def test_a_second_run_of_the_same_condition_is_refused(draft, run_directory, copy, manifest):
    import_run(draft, run_directory)
    manifest["run"]["digest"] = "a" * 64
    write(copy, manifest)
    with pytest.raises(RunDirectoryError, match="from another run"):
        import_run(draft, copy)
    assert ImportedRun.objects.count() == 1


def test_a_second_run_of_other_conditions_is_added_and_the_plan_drawn_again(draft, run_directory, copy, manifest):
    import_run(draft, run_directory)
    manifest["run"]["digest"] = "a" * 64
    for summary in manifest["summaries"]:
        summary["id"] += "-more"
        summary["method"] = "grad-cam"
    write(copy, manifest)
    assert import_run(draft, copy).plan.slots == 6
    assert Condition.objects.count() == 8
    shown = {identifier for slot in Slot.objects.all() for identifier in slot.stimuli}
    assert any(identifier.endswith("-more") for identifier in shown)


def test_a_small_run_makes_a_shorter_plan_and_says_so(db, copy, preset):
    study = create_study(preset, slug="short")
    done = import_run(study, copy)
    assert done.plan.is_short
    assert (done.plan.wanted[0].total, done.plan.drawn) == (24, (TrialSplit(summaries=8, controls=3),))


def test_deleting_a_study_deletes_all_of_it(study, visitor):
    visitor.enter(study)
    visitor.practise()
    study.delete()
    assert Stimulus.objects.count() == Slot.objects.count() == ImportedRun.objects.count() == 0


def test_launching_twice_is_harmless(study):
    assert launch_study(study).launched_at == study.launched_at


def break_schema(manifest):
    manifest["summaries"][0]["arm"] = "best"


def climb_out(manifest):
    manifest["summaries"][0]["files"]["grid"] = "objects/../../../etc/passwd"


def point_to_absolute_path(manifest):
    manifest["summaries"][0]["files"]["grid"] = "/etc/passwd"


def repeat_identifier(manifest):
    manifest["summaries"][1]["id"] = manifest["summaries"][0]["id"]


def lose_cell(manifest):
    manifest["summaries"][0]["files"]["cells"].pop()


def change_size(manifest):
    manifest["summaries"][0]["files"]["cells"][0]["width"] = 99


def point_to_missing_file(manifest):
    manifest["summaries"][0]["files"]["grid"] = f"objects/ab/{'ab' * 32}.webp"


def point_to_array(manifest):
    manifest["summaries"][0]["files"]["grid"] = f"objects/ab/{'ab' * 32}.npz"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (break_schema, "breaks its schema at summaries/0/arm"),
        (climb_out, "breaks its schema at summaries/0/files/grid"),
        (point_to_absolute_path, "breaks its schema at summaries/0/files/grid"),
        (repeat_identifier, "occurs twice"),
        (lose_cell, "has 2 cells for 3 members"),
        (change_size, "is 24 × 16 pixels; the manifest says 99 × 16"),
        (point_to_missing_file, "is missing in"),
        (point_to_array, "is no picture"),
    ],
)
def test_bad_manifests_are_refused_whole(draft, copy, manifest, spoil, message):
    spoil(manifest)
    write(copy, manifest)
    with pytest.raises(RunDirectoryError, match=message):
        import_run(draft, copy)
    assert Stimulus.objects.count() == ImportedRun.objects.count() == Condition.objects.count() == 0


def test_a_changed_picture_is_refused(draft, copy, manifest):
    (copy / manifest["summaries"][0]["files"]["grid"]).write_bytes(b"other")
    with pytest.raises(RunDirectoryError, match="was changed"):
        import_run(draft, copy)


def test_a_link_out_of_the_run_is_refused(draft, copy, manifest, tmp_path):
    file = copy / manifest["summaries"][0]["files"]["grid"]
    shutil.move(file, tmp_path / "outside.webp")
    file.symlink_to(tmp_path / "outside.webp")
    with pytest.raises(RunDirectoryError, match="leads outside"):
        import_run(draft, copy)


def test_no_manifest(draft, tmp_path):
    with pytest.raises(RunDirectoryError, match="does not exist"):
        import_run(draft, tmp_path)


@pytest.mark.parametrize("content", ["{", '{"seed": NaN}', '{"seed": -Infinity}'])
def test_no_json(draft, copy, content):
    (copy / "manifest.json").write_text(content)
    with pytest.raises(RunDirectoryError, match="not valid JSON"):
        import_run(draft, copy)


def test_no_summaries(draft, copy, manifest):
    manifest["summaries"] = []
    write(copy, manifest)
    with pytest.raises(ValueError, match="needs at least one summary"):
        import_run(draft, copy)


def test_a_picture_that_unfolds_into_too_many_pixels_is_refused_from_its_header(tmp_path):
    """The header of a small PNG says 60,000 × 60,000 pixels; nothing is decoded."""
    content = bytearray()
    image = io.BytesIO()
    Image.new("RGB", (8, 8)).save(image, "PNG")
    content += image.getvalue()
    for size, message in ((60_000, "too many pixels"), (8_500, "at most 64 million")):
        content[16:24] = struct.pack(">II", size, size)
        content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
        (tmp_path / "bomb.png").write_bytes(content)
        with pytest.raises(RunDirectoryError, match=message):
            picture_size(tmp_path / "bomb.png", "bomb.png")


def test_other_formats_are_not_tried(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "picture.png", "GIF")
    with pytest.raises(RunDirectoryError, match="cannot be read as a picture"):
        picture_size(tmp_path / "picture.png", "picture.png")
