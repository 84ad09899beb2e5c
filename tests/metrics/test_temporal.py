"""Temporal metrics on shaking faces, flicker and noise of known size."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metric_fakes import ArrayClip, face
from scipy.ndimage import gaussian_filter

from erlnet.interfaces import REGIONS
from erlnet.metrics.pairs import ClipPair, Row, Unavailable
from erlnet.metrics.protocol import IMAGE_REGIONS
from erlnet.metrics.temporal import Spread, change_along, followed, jitter, warped
from erlnet.metrics.temporal_cards import TEMPORAL_CARDS, temporal_fingerprint
from erlnet.metrics.temporal_family import JitterFamily, TemporalFamily

BACKGROUND, HEAD = 1 << REGIONS.index("background"), 1 << REGIONS.index("head")


def shaken(points: np.ndarray, size: float, seed: int = 0) -> np.ndarray:
    return points + np.random.default_rng(seed).normal(0, size, points.shape)


def still_face(frames: int) -> np.ndarray:
    return np.tile(face(), (frames, 1, 1))


def nodding(frames: int) -> np.ndarray:
    """A mouth that swings by 3 px a side every 25 frames, on a head that drifts."""
    points, t = still_face(frames), np.arange(frames)
    points[:, 48:] += 3 * np.sin(2 * np.pi * t / 25)[:, None, None]
    return points + t[:, None, None] * 0.7


def test_white_jitter_reads_its_size_times_the_root_of_twelve():
    """By hand: p(t-1) - 2 p(t) + p(t+1) of white noise of variance s^2 has 6 s^2 a coordinate, 12 s^2 in length. The
    mean of 13 steady points taken off adds 1/13 to the other 55 points and takes 1/13 from those 13."""
    found = jitter(nodding(2000), shaken(still_face(2000), 0.8))
    assert found.rendered == pytest.approx(0.8 * np.sqrt(12 * (1 + (55 - 13) / 13 / 68)), rel=0.01)


def test_jitter_on_top_of_the_truth_adds_in_squares():
    truth = nodding(2000)
    found = jitter(truth, shaken(truth, 0.3))
    own = 3 * np.sqrt(2) * (2 * np.sin(np.pi / 25)) ** 2 * np.sqrt(0.5) * np.sqrt(20 / 68)  # of the swinging mouth
    assert found.reference == pytest.approx(own, rel=1e-3)
    added = 0.3**2 * 12 * (1 + 42 / 884)
    assert found.ratio == pytest.approx(np.sqrt(1 + added / own**2), rel=0.02)


def test_truth_reads_one_smoothing_less_and_stillness_nothing():
    truth = shaken(nodding(200), 0.3)
    assert jitter(truth, truth).ratio == 1
    smooth = np.stack([truth[max(t - 2, 0) : t + 3].mean(axis=0) for t in range(200)])
    assert jitter(truth, smooth).ratio < 0.3
    assert jitter(truth, still_face(200)).ratio == 0


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(0.1, 4))
def test_even_motion_of_the_head_costs_nothing_and_jitter_grows_with_the_picture(x, y, scale):
    truth = shaken(nodding(40), 0.3)
    drift = np.arange(40)[:, None, None] * np.array([x, y])
    assert jitter(truth, truth + drift).ratio == pytest.approx(1, abs=1e-9)
    assert jitter(truth, truth * scale).ratio == pytest.approx(scale, rel=1e-9)


def test_a_reference_that_never_moves_has_no_ratio_and_a_short_clip_no_jitter():
    assert jitter(still_face(50), shaken(still_face(50), 1)).ratio is None
    short = jitter(nodding(11), nodding(11))  # 9 triples
    assert (short.reference, short.rendered, short.ratio) == (None, None, None)
    assert jitter(nodding(12), nodding(12)).ratio == 1


def test_triples_with_an_unknown_frame_on_either_side_are_left_out_of_both():
    truth, render = shaken(nodding(60), 0.3), shaken(nodding(60), 0.5, 1)
    broken = truth.copy()
    broken[20] += 50  # a jump that would dominate, in a frame that the render lacks
    render[20] = np.nan
    kept = [t for t in range(1, 59) if not 19 <= t <= 21]
    second = [np.stack([(s[t - 1] - 2 * s[t] + s[t + 1]) for t in kept]) for s in (truth, render)]
    second = [d - d[:, [*range(27, 36), 36, 39, 42, 45]].mean(axis=1, keepdims=True) for d in second]
    expected = [np.sqrt((d**2).sum(-1).mean()) for d in second]
    found = jitter(broken, render)
    assert (found.reference, found.rendered) == (pytest.approx(expected[0]), pytest.approx(expected[1]))


def clip_pair(reference: np.ndarray, rendered: np.ndarray, bits: np.ndarray | int = BACKGROUND | HEAD) -> ClipPair:
    maps = np.broadcast_to(np.asarray(bits, np.uint8), (len(reference), *reference.shape[2:])).copy()
    landmarks = np.tile(face((32, 24)), (len(reference), 1, 1))
    sides = [ArrayClip(side, landmarks) for side in (reference, rendered)]
    return ClipPair("c", "a", *sides, maps, landmarks)


def read(frames: np.ndarray) -> np.ndarray:
    """A fake detector: a face moved by what the corner pixels say, none where they are 0."""
    where = frames[:, 0, 0, :2].astype(float)
    points = face() + where[:, None]
    points[:, 48:] += where[:, None, :1]
    return np.where(where[:, :1, None] == 0, np.nan, points).astype(np.float32)


def test_the_family_gives_the_ratio_and_counts_faces_that_are_not_found():
    rng = np.random.default_rng(0)
    reference, rendered = np.zeros((2, 50, 3, 64, 64), np.uint8)
    reference[:, 0, 0, 0] = rng.integers(1, 9, 50)
    rendered[:, 0, 0, 0] = reference[:, 0, 0, 0]
    rendered[:5, 0, 0, 0] = 0
    reference[40, 0, 0, 0] = 0
    rows = {row.metric: row.value for row in JitterFamily(detect=read).score([clip_pair(reference, rendered)])}
    assert rows["jitter_ratio"] == pytest.approx(1)
    assert rows["jitter_px"] == rows["jitter_reference_px"] > 0
    assert rows["jitter_missed"] == pytest.approx(5 / 49)
    assert rows["jitter_unseen"] == pytest.approx(1 / 50)


def textured(frames: int, shift: float = 0.0, size: int = 64) -> np.ndarray:
    """(T,3,size,size) uint8: cloth that moves to the right by `shift` px a frame."""
    cloth = gaussian_filter(np.random.default_rng(3).normal(size=(size, size + 200)), 2)
    cloth = 128 + 60 * cloth / np.abs(cloth).max()
    x = 100 - shift * np.arange(frames)
    whole = [cloth[:, int(np.floor(v)) : int(np.floor(v)) + size] for v in x]
    return np.repeat(np.stack(whole)[:, None], 3, axis=1).round().astype(np.uint8)


def values(rows: list[Row], metric: str, region: str = "frame") -> list[float | None]:
    return [row.value for row in rows if row.metric == metric and row.region == region]


def test_fetching_back_undoes_a_shift_by_hand():
    frame = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
    flow = np.zeros((4, 5, 2), np.float32)
    flow[..., 0] = 1
    np.testing.assert_allclose(warped(frame, flow)[:, :, :4], frame[:, :, 1:])
    flow[..., 0], flow[..., 1] = 0.5, 1
    np.testing.assert_allclose(warped(frame, flow)[:, :3, :4], (frame[:, 1:, :4] + frame[:, 1:, 1:]) / 2)
    assert change_along(frame, frame + 51, np.zeros((4, 5, 2), np.float32)) == pytest.approx(np.full((4, 5), 0.2))


def test_pixels_that_leave_the_frame_or_do_not_come_back_are_not_followed():
    there, back = np.zeros((6, 8, 2), np.float32), np.zeros((6, 8, 2), np.float32)
    there[..., 0], back[..., 0] = 2, -2
    expected = np.zeros((6, 8), bool)
    expected[:, :6] = True  # columns 6 and 7 leave
    np.testing.assert_array_equal(followed(there, back), expected)
    back[:3] = 0  # the upper half does not come back
    expected[:3] = False
    np.testing.assert_array_equal(followed(there, back), expected)


def test_the_truth_has_no_excess_and_flicker_of_known_size_reads_so():
    pytest.importorskip("cv2", reason="the extra 'track' is not installed")
    truth = textured(6, shift=1)
    rows = TemporalFamily().score([clip_pair(truth, truth)])
    assert values(rows, "warp_error_difference") == [0.0] * 5
    assert max(values(rows, "warp_error")) < 0.02
    flicker = np.where(np.arange(6) % 2 == 0, 10, 0)[:, None, None, None].astype(np.uint8)
    rows = TemporalFamily().score([clip_pair(truth, truth + flicker)])
    assert values(rows, "warp_error") == [pytest.approx(10 / 255, rel=0.1)] * 5
    still = textured(6)
    rows = TemporalFamily().score([clip_pair(still, still + flicker)])
    assert values(rows, "warp_error_difference") == [pytest.approx(10 / 255)] * 5
    assert values(rows, "warp_error_difference", "background") == [pytest.approx(10 / 255)] * 5
    assert values(rows, "warp_error", "neck") == [None] * 5  # there is none in this map


def test_a_frozen_render_goes_against_the_flow_and_a_blurred_one_reads_below_the_truth():
    pytest.importorskip("cv2", reason="the extra 'track' is not installed")
    truth = textured(6, shift=2)
    noisy = np.clip(truth + np.random.default_rng(0).integers(-6, 7, truth.shape), 0, 255).astype(np.uint8)
    frozen = np.repeat(noisy[:1], 6, axis=0)
    blurred = gaussian_filter(noisy, (0, 0, 2, 2))
    excess = {
        name: np.mean(values(TemporalFamily().score([clip_pair(noisy, render)]), "warp_error_difference"))
        for name, render in (("frozen", frozen), ("blurred", blurred))
    }
    assert excess["frozen"] > 0.01
    assert excess["blurred"] < -0.005


def test_noise_of_known_size_in_the_background_reads_its_size():
    plate = np.full((60, 3, 64, 64), 128.0)
    noise = np.random.default_rng(0).normal(0, 6, plate.shape)
    boiling = (plate + noise).round().astype(np.uint8)
    bits = np.full((60, 64, 64), HEAD, np.uint8)
    bits[:, :32] = BACKGROUND
    bits[30:, :8] = HEAD  # covered for a while: not background throughout
    boiling[:30, :, :8] = 0
    rows = TemporalFamily().score([clip_pair(np.full_like(boiling, 128), boiling, bits)])
    assert values(rows, "background_sd", "background") == [pytest.approx(6 * np.sqrt(59 / 60), rel=0.02)]
    assert values(rows, "background_sd_difference", "background") == values(rows, "background_sd", "background")
    rows = TemporalFamily().score([clip_pair(boiling[:12], np.full_like(boiling[:12], 128), bits[:12])])
    assert values(rows, "background_sd", "background") == [0]
    less = -6 * np.sqrt(11 / 12 * 24 / 32)  # a quarter of the pixels is still in these frames
    assert values(rows, "background_sd_difference", "background") == [pytest.approx(less, rel=0.02)]


def test_spread_is_the_variance_that_numpy_finds_and_needs_frames_and_pixels():
    frames = np.random.default_rng(1).integers(0, 256, (20, 3, 10, 12), np.uint8)
    spread, mask = Spread(), np.zeros((10, 12), bool)
    mask[:7] = True
    for i, frame in enumerate(frames):
        assert (spread.over(mask) is None) == (i < 10)
        spread.add(frame)
    assert spread.over(mask) == pytest.approx(np.sqrt(frames[:, :, :7].astype(float).var(axis=0).mean()))
    assert spread.over(mask & (np.arange(12) < 9)) is None  # 63 px


def test_frames_are_read_in_batches_of_bounded_size():
    clip = ArrayClip(np.zeros((40, 3, 256, 256), np.uint8), np.tile(face(), (40, 1, 1)))
    pair = ClipPair("c", "a", clip, clip, np.zeros((40, 256, 256), np.uint8), clip.landmarks)
    rows = TemporalFamily().score([pair])
    assert max(stop - start for start, stop in clip.asked) <= 8
    assert len(values(rows, "warp_error")) == 39
    assert values(rows, "background_sd", "background") == [None]  # no pixel is background


def test_frames_of_two_sizes_are_refused_and_opencv_is_asked_for(monkeypatch):
    truth = textured(3, shift=2)
    with pytest.raises(ValueError, match="c: reference and render differ in size"):
        TemporalFamily().score([clip_pair(truth, truth[:, :, :60])])
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(Unavailable) as caught:
        TemporalFamily().score([clip_pair(truth, truth)])
    assert caught.value.remedy == "pip install 'erlnet[track]'"


def test_cards_hold_what_the_families_give_and_fingerprints_what_they_depend_on():
    code = "import sys; from erlnet.metrics import temporal_cards as c; c.temporal_fingerprint('temporal');"
    subprocess.run([sys.executable, "-c", code + "assert 'torch' not in sys.modules"], check=True)
    truth = textured(3)
    rows = TemporalFamily().score([clip_pair(truth, truth)]) + JitterFamily(detect=read).score(
        [clip_pair(truth, truth)]
    )
    cards = {card.id: card for card in TEMPORAL_CARDS}
    assert {row.metric for row in rows} == set(cards)
    assert all(row.region in cards[row.metric].regions for row in rows)
    assert set(cards["warp_error"].regions) == set(IMAGE_REGIONS)
    marks = [temporal_fingerprint("temporal"), *(temporal_fingerprint("jitter", d) for d in ("mediapipe", "dlib"))]
    assert len({json.dumps(mark) for mark in marks}) == 3
