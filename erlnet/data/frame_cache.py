"""Decoded frames, kept while there is room: several metrics read the same files one after the other."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np

MAX_BYTES = 192 << 20


class FrameCache:
    """Least recently used arrays, at most `max_bytes` in all; safe from several threads."""

    def __init__(self, max_bytes: int = MAX_BYTES):
        self.max_bytes, self._bytes = max_bytes, 0
        self._frames: OrderedDict[tuple, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple, read: Callable[[], np.ndarray]) -> np.ndarray:
        """The array under `key`, read if it is not there; not to be written to."""
        with self._lock:
            if key in self._frames:
                self._frames.move_to_end(key)
                return self._frames[key]
        frame = read()
        frame.flags.writeable = False
        with self._lock:
            if key not in self._frames:
                self._frames[key] = frame
                self._bytes += frame.nbytes
            while self._bytes > self.max_bytes and len(self._frames) > 1:
                self._bytes -= self._frames.popitem(last=False)[1].nbytes
        return frame


FRAMES = FrameCache()
"""One for the process."""
