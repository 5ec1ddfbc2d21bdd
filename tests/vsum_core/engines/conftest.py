"""The tiny run of the benchmarks, on one thread."""

from __future__ import annotations

import pytest
import torch

from benchmarks.tiny_run import make, write_things


@pytest.fixture
def one_thread():
    """Results may depend on the number of PyTorch's threads, so all sides have one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def tiny_run(one_thread, tmp_path):
    """Makes the run in a directory, with or without a preparation; returns the bytes of the manifest."""
    images = write_things(tmp_path / "things")

    def run(directory, prepare=None):
        assert make(images, directory, prepare=prepare)["summaries"]
        return (directory / "manifest.json").read_bytes()

    return run
