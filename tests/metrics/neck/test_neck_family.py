import json
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from neck_scene import BIT, lively, still

pytest.importorskip("cv2", reason="the neck metrics need OpenCV (the extra track)")

import erlnet.metrics.neck.family as module
from erlnet.metrics import pairs
from erlnet.metrics.neck import numbers
from erlnet.metrics.neck.cards import FAMILY, NECK_CARDS, neck_fingerprint
from erlnet.metrics.neck.family import NeckFamily
from erlnet.metrics.pairs import ClipPair, Family, Unavailable


def quick(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """A flow that takes no time: everything stands still."""
    return np.zeros((*source.shape, 2), np.float32)


def test_it_is_a_family_and_gives_each_metric_of_its_cards_once_a_clip():
    family = NeckFamily(quick)
    assert isinstance(family, Family)
    assert family.name == FAMILY
    clip, other = lively(2, 64), still(1, 64)
    rows = family.score([clip.pair(clip.frames, "one"), other.pair(other.frames, "two")])
    expected = [(name, card.id, card.regions[0]) for name in ("one", "two") for card in NECK_CARDS]
    assert sorted((row.clip, row.metric, row.region) for row in rows) == sorted(expected)
    assert all(row.frame is None for row in rows)


def test_a_clip_of_one_frame_has_no_flow_error_and_one_without_a_person_has_nothing():
    one = still(1, 64)
    values = {row.metric: row.value for row in NeckFamily(quick).score([one.pair(one.frames)])}
    assert values["neck_flow_error"] is None
    assert values["neck_seam"] == 0
    pair = one.pair(one.frames)
    empty = ClipPair("c", "a", pair.reference, pair.rendered, np.full((1, 64, 64), BIT["background"]), one.landmarks)
    assert {row.value for row in NeckFamily(quick).score([empty])} == {None}


def test_the_truth_against_itself_is_read_once_and_progress_is_told():
    clip = lively(3, 64)
    pair = clip.pair(clip.frames)
    same = ClipPair("c", "a", pair.reference, pair.reference, clip.bits, clip.landmarks)
    told = []

    class Told:
        def update(self, step, total, loss=None):
            told.append((step, total))

        def note(self, text): ...

    NeckFamily(quick).score([same], Told())
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert pair.reference.asked.count((0, 3)) == 1


def test_batches_change_nothing(monkeypatch):
    clip = lively(5, 64)
    other = np.roll(clip.frames, 1, axis=3)
    whole = NeckFamily().score([clip.pair(other)])
    monkeypatch.setattr(pairs, "_BATCH_PIXELS", 2 * 64 * 64)
    assert NeckFamily().score([clip.pair(other)]) == whole


def test_the_same_frames_give_the_same_bits():
    clip = lively(3, 96)
    other = np.roll(clip.frames, 1, axis=2)
    assert NeckFamily().score([clip.pair(other)]) == NeckFamily().score([clip.pair(other)])


def test_memory_does_not_grow_with_the_clips_length():
    class Endless:
        """A clip that is made as it is asked for."""

        def __init__(self, frames: int):
            self.clip, self.count = lively(4, 64), frames

        def __len__(self):
            return self.count

        def frames(self, start, stop):
            return self.clip.frames[np.arange(start, stop) % 4]

        def bits(self, start, stop):
            return self.clip.bits[np.arange(start, stop) % 4]

    def peak(frames: int) -> int:
        source, render = Endless(frames), Endless(frames)
        pair = ClipPair("c", "a", source, render, source.bits, np.zeros((frames, 68, 2)))
        tracemalloc.start()
        NeckFamily(quick).score([pair])
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(2)
    monkey = pairs._BATCH_PIXELS
    pairs._BATCH_PIXELS = 4 * 64 * 64
    try:
        assert peak(64) < 1.1 * peak(16)
    finally:
        pairs._BATCH_PIXELS = monkey


def test_frames_of_another_size_are_refused_by_name():
    clip = still(1, 64)
    with pytest.raises(ValueError, match=r"clip7: .*differ in size: \(64, 64\) and \(32, 32\)"):
        NeckFamily(quick).score([clip.pair(np.zeros((1, 3, 32, 32), np.uint8), "clip7")])


def test_without_opencv_the_family_is_unavailable(monkeypatch):
    clip = still(1, 64)
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(Unavailable, match="OpenCV"):
        NeckFamily().score([clip.pair(np.roll(clip.frames, 1, axis=3))])


def test_a_clip_that_is_matched_too_seldom_has_no_distance_but_a_failure():
    sums = module.Sums({"neck_distance": [2.0, 4.0], "collar_distance": [1.0]}, 100, 69, 10, 7)
    values = {row.metric: row.value for row in module._rows("c", sums)}
    assert values["neck_distance"] is None
    assert values["neck_match_failure"] == pytest.approx(0.31)
    assert (values["collar_distance"], values["collar_match_failure"]) == (1.0, pytest.approx(0.3))
    sums.matched = 70
    assert {row.metric: row.value for row in module._rows("c", sums)}["neck_distance"] == 3.0


def test_cards_say_what_a_metric_does_not_see_and_are_read_without_torch():
    for card in NECK_CARDS:
        assert card.family == FAMILY
        assert "Does not see" in card.definition
        assert (card.higher_is_better, card.perfect) == (False, 0.0)
    code = (
        "import sys, erlnet.metrics.neck.cards as c; c.neck_fingerprint(); print({'torch', 'numpy'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"


def test_the_fingerprint_holds_every_number_and_changes_with_each(monkeypatch):
    before = neck_fingerprint()
    json.dumps(before)
    assert before["opencv"] != "absent"
    names = [name for name in vars(numbers) if name.isupper()]
    assert {name.lower() for name in names} <= set(before)
    for name in names:
        with monkeypatch.context() as changed:
            changed.setattr(numbers, name, getattr(numbers, name) + 1)
            assert neck_fingerprint() != before
