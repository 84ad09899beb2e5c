"""Hard cuts, and which of several faces is the one."""

import itertools

import numpy as np
import pytest

from erlnet.data.detector import Face
from erlnet.data.faces import choose_face
from erlnet.data.finder import FaceFinder, squares
from erlnet.data.shots import SIDE, cuts, shots, thumbnail

# --- cuts


def scene(n, level, motion=1.0, seed=0):
    """(n,SIDE,SIDE,3) uint8 thumbnails of one shot: a picture of its own that drifts and flickers a little."""
    rng = np.random.default_rng(seed)
    picture = rng.uniform(level - 30, level + 30, (SIDE, SIDE, 3))
    drift = np.cumsum(rng.normal(0, 0.3, (n, 1, 1, 1)), axis=0)
    return np.clip(picture + drift + rng.normal(0, motion, (n, SIDE, SIDE, 3)), 0, 255).astype(np.uint8)


def test_a_change_of_scene_is_a_cut_at_its_first_frame():
    clip = np.concatenate([scene(40, 90, seed=1), scene(30, 150, seed=2), scene(50, 60, seed=3)])
    assert cuts(clip) == [40, 70]
    assert shots(120, [40, 70]) == [(0, 40), (40, 70), (70, 120)]


def test_neither_motion_nor_noise_nor_a_fade_is_a_cut():
    assert cuts(scene(100, 100, motion=6)) == []
    fade = np.linspace(1, 0, 60)[:, None, None, None] * scene(1, 200)[0]
    assert cuts(fade.astype(np.uint8)) == []
    assert shots(60, []) == [(0, 60)]


def test_a_flash_is_no_cut():
    clip = scene(60, 100)
    clip[30] = 255
    assert cuts(clip) == []


@pytest.mark.parametrize("fps", [10, 12, 15, 25])
def test_a_pan_is_no_cut_however_slow_the_source_and_a_cut_in_it_is_one(fps):
    """Between 25 fps frames of a 12 fps source half the changes are zero, and the others are the pan's."""
    wall = np.random.default_rng(0).uniform(0, 255, (SIDE, 200, 3)).astype(np.uint8)
    pan = np.stack([wall[:, i : i + SIDE] // 2 for i in range(4 * fps)])
    numbers = ((np.arange(100) + 0.5) / 25 * fps).astype(int)
    assert cuts(pan[numbers], numbers) == []
    if fps == 12:
        assert len(cuts(pan[numbers])) > 20  # what the numbers are for
    steady = np.concatenate([scene(2 * fps, 90, seed=1), scene(2 * fps, 150, seed=2)])
    assert cuts(steady[numbers], numbers) == [np.argmax(numbers >= 2 * fps)]


def test_cuts_are_found_wherever_they_lie_in_a_long_video_in_little_memory():
    import tracemalloc

    at = [255, 256 + 40, 512, 1000]
    clip = np.concatenate([scene(n, 90 + 60 * (i % 2), seed=i) for i, n in enumerate(np.diff([0, *at, 1500]))])
    tracemalloc.start()
    assert cuts(clip) == at
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < clip.nbytes  # as float32, with differences, it would be eight times as much
    assert cuts(clip[:1]) == []


def test_a_cut_in_the_second_frame_counts():
    assert cuts(np.concatenate([scene(1, 60, seed=1), scene(40, 180, seed=2)])) == [1]


def test_a_thumbnail_is_the_mean_of_its_places():
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:32, :48] = 200
    small = thumbnail(picture).astype(int)
    assert small.shape == (SIDE, SIDE, 3)
    assert abs(small[:15, :15].mean() - 200) <= 1
    assert small[17:].max() <= 1


# --- faces


def face(x, y, size, score=0.0):
    """A face whose box is `size` px wide and high about (x, y)."""
    t = np.linspace(0, 2 * np.pi, 478)
    mesh = np.stack([x + size / 2 * np.cos(t), y + size / 2 * np.sin(t)], 1).astype(np.float32)
    return Face(mesh, np.full(52, score, np.float32))


def middle(mesh):
    return (mesh.min(-2) + mesh.max(-2)) / 2


def test_a_passer_by_who_is_larger_for_a_moment_is_not_taken():
    frames = [[face(100 + t % 3, 100, 60)] for t in range(50)]
    for t in range(20, 28):
        frames[t].insert(0, face(300 + 20 * t, 150, 90))
    chosen = choose_face(frames)
    assert np.abs(middle(chosen.mesh)[:, 0] - 101).max() < 3
    assert chosen.rivals == 8


def test_of_two_who_stay_the_larger_is_taken_throughout_even_where_their_order_changes():
    frames = []
    for t in range(40):
        pair = [face(100, 100, 50, 0.1), face(300, 100, 60, 0.9)]
        frames.append(pair[::-1] if t % 2 else pair)
    chosen = choose_face(frames)
    assert np.allclose(chosen.scores[:, 0], 0.9)
    assert chosen.rivals == 40


def test_a_face_that_is_lost_and_comes_back_is_the_same_one():
    frames = [[face(100, 100, 60)] for _ in range(80)]
    for t in range(30, 55):
        frames[t] = []
    frames[54] = [face(400, 100, 30)]  # someone else, small and elsewhere
    chosen = choose_face(frames)
    seen = np.isfinite(chosen.mesh).all((1, 2))
    assert seen.sum() == 55
    assert not seen[30:55].any()
    assert chosen.rivals == 1 or chosen.rivals == 0


def test_no_face_at_all_is_none():
    assert choose_face([[], [], []]) is None


def test_a_small_face_far_off_does_not_count_as_a_rival():
    frames = [[face(100, 100, 60), face(300, 40, 20)] for _ in range(10)]
    assert choose_face(frames).rivals == 0


# --- search


@pytest.mark.parametrize(
    ("height", "width", "side"), [(1080, 1920, 1080), (1080, 1920, 540), (720, 720, 720), (64, 90, 50)]
)
def test_squares_cover_the_frame_and_overlap_by_half(height, width, side):
    covered = np.zeros((height, width), bool)
    for left, top, s in squares(height, width, side):
        assert 0 <= left <= width - s
        assert 0 <= top <= height - s
        covered[top : top + s, left : left + s] = True
    assert covered.all()
    lefts = sorted({left for left, _, _ in squares(height, width, side)})
    assert all(b - a <= side / 2 + 1 for a, b in itertools.pairwise(lefts))


class Shortsighted:
    """Sees the one face where it is at least a tenth of the picture's longer side, as the real detector does."""

    def __init__(self):
        self.at, self.size, self.looks = (0.0, 0.0), 40, 0

    def faces(self, frame, corner=(0, 0)):
        self.looks += 1
        height, width = frame.shape[:2]
        x, y = self.at[0] - corner[0], self.at[1] - corner[1]
        half = self.size / 2
        whole = half <= x <= width - half and half <= y <= height - half
        return [face(*self.at, self.size)] if whole and self.size >= 0.1 * max(height, width) else []


def test_a_small_face_is_searched_found_and_followed():
    eye = Shortsighted()
    find = FaceFinder(eye)
    frame = np.zeros((540, 960, 3), np.uint8)
    for t in range(60):
        eye.at = (300.0 + 5 * t, 200.0)
        found = find(frame)
        assert len(found) == 1
        assert abs(middle(found[0].mesh)[0] - eye.at[0]) < 1
    assert eye.looks < 60 + 40  # one search, then one look a frame


def test_where_nobody_is_the_search_is_not_made_in_every_frame():
    eye = Shortsighted()
    eye.at = (-500.0, 0.0)
    find = FaceFinder(eye)
    for _ in range(24):
        assert find(np.zeros((540, 960, 3), np.uint8)) == []
    searches = 2 * sum(len(squares(540, 960, side)) for side in (540, 270))
    assert eye.looks <= 24 + searches
