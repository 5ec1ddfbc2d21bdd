import hashlib
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vsum_core.store import StorageError, Store, key_of


def test_objects_are_named_by_their_content(tmp_path):
    store = Store(tmp_path / "run")
    path = store.put(b"hello", suffix="json")
    digest = hashlib.sha256(b"hello").hexdigest()
    assert path == f"objects/{digest[:2]}/{digest}.json"
    assert store.read(path) == b"hello"
    assert store.put(b"hello", suffix="json") == path


def test_objects_can_be_read_by_a_web_server(tmp_path):
    store = Store(tmp_path)
    path = store.put(b"x", suffix="webp")
    assert stat.S_IMODE((tmp_path / path).stat().st_mode) == 0o644


def test_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(ValueError, match="suffix must be one of"):
        Store(tmp_path).put(b"", suffix="exe")


def test_a_damaged_object_is_noticed(tmp_path):
    store = Store(tmp_path)
    path = store.put(b"hello", suffix="json")
    (tmp_path / path).write_bytes(b"hullo")
    with pytest.raises(StorageError, match="does not match its name"):
        store.read(path)


def test_stage_results_come_back_with_values_and_arrays(tmp_path):
    store = Store(tmp_path)
    key = key_of(image="a", steps=3)
    assert store.recall("masks", key) is None
    store.remember("masks", key, values={"p0": 0.5}, arrays={"mask": np.eye(3, dtype=np.float32)})
    result = Store(tmp_path).recall("masks", key)
    assert result is not None
    assert result.values == {"p0": 0.5}
    np.testing.assert_array_equal(result.arrays["mask"], np.eye(3, dtype=np.float32))


def test_a_record_whose_object_is_gone_runs_again(tmp_path):
    store = Store(tmp_path)
    store.remember("masks", "k", values={}, arrays={"mask": np.zeros(2)})
    for path in (tmp_path / "objects").rglob("*.npz"):
        path.write_bytes(b"")
    assert store.recall("masks", "k") is None
    store.remember("masks", "k", values={}, arrays={"mask": np.zeros(2)})
    assert store.recall("masks", "k") is not None


def test_equal_results_give_equal_bytes(tmp_path):
    first, second = Store(tmp_path / "a"), Store(tmp_path / "b")
    for store in (first, second):
        store.remember("masks", "k", values={"x": 1}, arrays={"mask": np.arange(5)})
    names = [sorted(p.relative_to(s.directory) for p in s.directory.rglob("*.*")) for s in (first, second)]
    assert names[0] == names[1]


def test_keys_depend_on_every_part_and_not_on_order():
    assert key_of(a=1, b=2) == key_of(b=2, a=1)
    assert key_of(a=1, b=2) != key_of(a=1, b=3)


def test_a_path_that_is_a_file_is_a_clear_error(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(StorageError, match=r"Cannot use .*run"):
        Store(tmp_path / "run")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write into read-only directories")
def test_a_read_only_directory_is_a_clear_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="choose a writable --out directory"):
        Store(tmp_path / "run")


def files_of(directory):
    return sorted(path for path in directory.rglob("*") if path.is_file())


def test_a_full_disk_is_a_clear_error_and_leaves_nothing_half_written(small_disk):
    store = Store(small_disk.directory / "run")
    kept = store.remember("masks", "small", values={}, arrays={"mask": np.arange(10)})
    before = files_of(store.directory)
    noise = np.random.default_rng(0).random(40_000)  # 320,000 bytes on a disk of 65,536
    with pytest.raises(
        StorageError, match=r"No space left on device \(\d+ bytes to write, \d+ free\)\. Finished work is kept\. Free"
    ):
        store.remember("masks", "large", values={}, arrays={"mask": noise})
    assert files_of(store.directory) == before and not store.knows("masks", "large")
    np.testing.assert_array_equal(store.recall("masks", "small").arrays["mask"], kept.arrays["mask"])
    small_disk.mount("remount", "size=1m")
    store.remember("masks", "large", values={}, arrays={"mask": noise})
    np.testing.assert_array_equal(store.recall("masks", "large").arrays["mask"], noise)


def test_a_read_only_disk_is_a_clear_error(small_disk):
    store = Store(small_disk.directory / "run")
    store.remember("masks", "k", values={"x": 1})
    small_disk.mount("remount", "ro")
    for write in (
        lambda: store.put(b"hello", suffix="json"),
        lambda: store.forget("masks", "k"),
        lambda: Store(small_disk.directory / "other"),
    ):
        with pytest.raises(
            StorageError, match=r"Read-only file system\. Finished .* choose a writable --out directory"
        ):
            write()
    assert Store(small_disk.directory / "run").recall("masks", "k").values == {"x": 1}  # reading is still possible
    small_disk.mount("remount", "rw")
    store.forget("masks", "k")
    assert not store.knows("masks", "k")


def test_a_limit_on_the_size_of_files_is_a_clear_error_without_root(tmp_path):
    """The limit holds for a whole process, so one of its own; nothing has to be mounted."""
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from vsum_core.store import StorageError, Store\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    Store(Path(sys.argv[1])).put(bytes(2000), suffix='json')\n"
        "except StorageError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert re.search(r"File too large\. Finished work is kept\. Raise the limit .*ulimit -f", done.stdout), done.stderr
    assert files_of(tmp_path) == []
