import errno
import hashlib
import os
import stat

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


def test_a_full_disk_is_a_clear_error_and_leaves_nothing_half_written(tmp_path, monkeypatch):
    store = Store(tmp_path)

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"No space left on device.*Finished work is kept"):
        store.put(b"hello", suffix="json")
    assert [path for path in (tmp_path / "objects").rglob("*") if path.is_file()] == []
