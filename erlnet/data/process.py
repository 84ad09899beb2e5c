"""Two favours that a long-lived worker asks of the system; where it lacks them, nothing is lost but them."""

from __future__ import annotations

import ctypes
import signal

_M_ARENA_MAX = -8  # malloc.h
_PR_SET_PDEATHSIG = 1  # sys/prctl.h


def share_one_heap() -> None:
    """Has glibc serve all threads from one heap.

    By itself it gives each thread its own. A frame is freed into one while the little that is kept of it comes from
    another, so no room is used again: ten minutes of video then take gigabytes.
    """
    _call("mallopt", _M_ARENA_MAX, 1)


def die_with_parent() -> None:
    """Has Linux end this process when the one that started it ends, however that comes about."""
    _call("prctl", _PR_SET_PDEATHSIG, int(signal.SIGKILL))


def _call(name: str, *arguments: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function(*arguments)
