"""Large buffers that a step frees stay with the process for the next step."""

from __future__ import annotations

import ctypes
import platform

# Names and numbers of <malloc.h> of the GNU C library.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_LARGEST_KEPT = 1 << 30  # bytes; activations of a batch are some tens of megabytes each


def keep_freed_memory() -> bool:
    """Tell the C library to keep freed buffers of up to 1 GiB instead of giving them back to the system.

    Every step of a mask allocates the same activations. By default the GNU C library maps buffers of more than 32 MiB
    anew each time, and the system fills them with zeros, page by page: a third of the processor time of a batch of
    EfficientNet-Lite0 (``benchmarks/RESULTS.md``). Meant for processes that are there for such work: the memory of the
    largest step stays theirs until they end.

    Returns:
        Whether it was done; elsewhere than on Linux with the GNU C library nothing is changed.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    set_option = ctypes.CDLL(None).mallopt
    return bool(set_option(_M_MMAP_THRESHOLD, _LARGEST_KEPT) and set_option(_M_TRIM_THRESHOLD, 2 * _LARGEST_KEPT - 1))
