import pytest

from benchmarks.pregeneration_torture import DamageError, _check_objects, torture


@pytest.mark.slow
def test_killed_and_resumed_runs_end_in_the_manifest_of_an_undisturbed_one(tmp_path):
    survived = torture(tmp_path, kills=5, seed=1)
    assert survived.kills >= 5


def test_a_damaged_object_is_noticed(tmp_path):
    (tmp_path / "objects" / "ab").mkdir(parents=True)
    (tmp_path / "objects" / "ab" / f"{'ab' * 32}.npz").write_bytes(b"something else")
    with pytest.raises(DamageError, match="does not match its name"):
        _check_objects(tmp_path)
