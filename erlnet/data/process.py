"""Two favours that a long-lived worker asks of the system; where it lacks them, nothing is lost but them."""

from __future__ import annotations

import ctypes
import signal

_M_MMAP_THRESHOLD = -3  # malloc.h
_PR_SET_PDEATHSIG = 1  # sys/prctl.h
_LARGE = 128 << 10  # bytes: a frame is several times as large, what is kept of it is smaller


def give_frames_back() -> None:
    """Has glibc return every large block to the system when it is freed.

    By itself it soon keeps them on the heap, where the little that is kept of each frame pins the room of the whole
    frame: ten minutes of video then take gigabytes.
    """
    _call("mallopt", _M_MMAP_THRESHOLD, _LARGE)


def die_with_parent() -> None:
    """Has Linux end this process when the one that started it ends, however that comes about."""
    _call("prctl", _PR_SET_PDEATHSIG, int(signal.SIGKILL))


def _call(name: str, *arguments: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function(*arguments)
