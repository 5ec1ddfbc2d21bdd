"""Freed buffers that stay with the process."""

import platform
import subprocess
import sys

import pytest

# Page faults of eighty buffers of 64 MiB, each freed before the next; a page has 4 KiB or more.
PROGRAM = """
import resource
import torch
from vsum_core.freed_memory import keep_freed_memory

if {keep}:
    assert keep_freed_memory()
torch.zeros(1 << 24).sum()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(80):
    torch.ones(1 << 24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*, keep: bool) -> int:
    program = PROGRAM.format(keep=keep)
    return int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs the GNU C library")
def test_freed_buffers_are_used_again():
    assert faults(keep=True) < 0.1 * faults(keep=False)
