import numpy as np

from erlnet.data.frame_cache import FrameCache


def test_a_frame_is_read_once_while_there_is_room():
    cache, reads = FrameCache(max_bytes=250), []

    def read(key):
        return lambda: reads.append(key) or np.full(100, key, np.uint8)

    for key in (1, 2, 1, 3, 1, 2):  # room for two; 1 stays because it is used, 2 goes when 3 comes
        assert cache.get((key,), read(key))[0] == key
    assert reads == [1, 2, 3, 2]


def test_a_kept_frame_cannot_be_changed():
    frame = FrameCache().get(("a",), lambda: np.zeros(3, np.uint8))
    assert not frame.flags.writeable
