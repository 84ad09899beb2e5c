"""The family `sync_ridge` on made-up speech: a mouth that follows what is heard, late or not at all."""

import numpy as np
import pytest
from metric_fakes import ArrayClip, face
from scipy.signal import lfilter

from erlnet.metrics.pairs import ClipPair, Row, Unavailable
from erlnet.metrics.ridge_sync import cross_fitted, fit_ridge
from erlnet.metrics.sync_cards import SYNC_CARDS, sync_fingerprint
from erlnet.metrics.sync_family_ridge import SyncRidgeFamily, log_mels, predictions

SIZE = 16


def loud(frames: int, seed: int) -> np.ndarray:
    """(frames,) in [0,1], as smooth as speech."""
    wander = lfilter([1.0], [1.0, -0.7], np.random.default_rng(seed).normal(size=frames + 50))[50:]
    return np.clip(0.4 + 0.2 * wander, 0, 1)


def speech(frames: int, seed: int) -> np.ndarray:
    """Noise of that loudness, at 16 kHz."""
    noise = np.random.default_rng(seed + 1000).normal(size=frames * 640)
    return (np.repeat(loud(frames, seed), 640) * noise * 0.1).astype(np.float32)


def mouth(frames: int, seed: int, late: int = 0) -> np.ndarray:
    """(frames,) opening that follows the loudness, with noise of its own, `late` frames behind."""
    followed = np.roll(loud(frames, seed), late)
    noise = np.random.default_rng(seed + 2000).normal(0, 0.02, frames)
    return np.clip(0.05 + 0.3 * followed + noise, 0.01, 0.5)


def drawn(openings: np.ndarray) -> ArrayClip:
    """Frames that the fake detector can read."""
    frames = np.zeros((len(openings), 3, SIZE, SIZE), np.uint8)
    frames[:, 0, 0, 0] = (openings * 500).round()
    return ArrayClip(frames, np.tile(face(), (len(openings), 1, 1)))


def read(frames: np.ndarray) -> np.ndarray:
    """The fake detector: 0 is no face."""
    values = frames[:, 0, 0, 0].astype(float)
    return np.stack([face(opening=v / 500) if v else np.full((68, 2), np.nan) for v in values]).astype(np.float32)


def clip_pair(frames: int, seed: int, rendered: np.ndarray | None = None, name: str = "c", sound: bool = True):
    truth = mouth(frames, seed)
    reference = drawn(truth)
    return ClipPair(
        name, "a", reference, reference if rendered is None else drawn(rendered),
        np.zeros((frames, SIZE, SIZE), np.uint8), reference.landmarks,
        sound=(lambda: speech(frames, seed)) if sound else None,
    )  # fmt: skip


def values(rows: list[Row], metric: str) -> list[float | None]:
    return [row.value for row in rows if row.metric == f"sync_ridge_{metric}"]


@pytest.fixture(scope="module")
def train() -> list:
    return [(log_mels(speech(200, seed), 200), mouth(200, seed)) for seed in (50, 51, 52)]


@pytest.mark.parametrize("late", [-4, 0, 3])
@pytest.mark.parametrize("fitted", ["training clips", "the other clips", "the clip's other stretches"])
def test_a_render_that_is_late_by_k_frames_reads_k(train, fitted, late):
    pairs = [clip_pair(200, 1, mouth(200, 1, late))]
    if fitted == "the other clips":
        pairs += [clip_pair(200, seed, mouth(200, seed, late), f"c{seed}") for seed in (2, 3)]
    rows = SyncRidgeFamily(detect=read, train=train if fitted == "training clips" else ()).score(pairs)
    assert values(rows, "lag") == [late] * len(pairs)
    assert values(rows, "undetermined") == [0.0] * len(pairs)
    assert min(values(rows, "z")) > 3


def test_a_mouth_that_follows_other_speech_is_mostly_undetermined_and_then_has_no_lag(train):
    pairs = [clip_pair(150, seed, mouth(150, seed + 500), f"c{seed}") for seed in range(10, 22)]
    rows = SyncRidgeFamily(detect=read, train=train).score(pairs)
    told = values(rows, "undetermined")
    assert np.mean(told) >= 0.8
    assert [lag is None for lag in values(rows, "lag")] == [value == 1.0 for value in told]
    assert [z < 3 for z in values(rows, "z")] == [value == 1.0 for value in told]


def test_a_still_mouth_and_a_clip_that_nothing_is_known_of_have_no_value(train):
    still = clip_pair(100, 1, np.full(100, 0.2), "still")
    silent = clip_pair(100, 2, name="silent", sound=False)
    rows = SyncRidgeFamily(detect=read, train=train).score([still, silent])
    for metric in ("lag", "z", "r", "undetermined"):
        assert values(rows, metric) == [None, None]
    short = SyncRidgeFamily(detect=read).score([clip_pair(24, 1)])  # nothing of it lies far enough from a stretch
    assert values(short, "z") == [None]


def test_each_prediction_comes_from_a_ridge_that_did_not_see_the_clip(train):
    heard = [log_mels(speech(200, seed), 200) for seed in (1, 2, 3)]
    openings = [mouth(200, seed) for seed in (1, 2, 3)]
    by_train = predictions(heard, openings, train)
    np.testing.assert_array_equal(by_train[1], fit_ridge(train)(heard[1]))
    by_others = predictions([heard[0], None, heard[2]], openings)
    np.testing.assert_array_equal(by_others[0], fit_ridge([(heard[2], openings[2])])(heard[0]))
    assert by_others[1] is None
    (alone,) = predictions(heard[:1], openings[:1])
    np.testing.assert_array_equal(alone, cross_fitted(heard[0], openings[0]))
    assert predictions(heard[:1], [np.full(200, np.nan)]) == [None]


def test_frames_without_a_face_are_counted_and_take_no_part(train):
    rendered = mouth(200, 1, 3)
    rendered[20:40] = 0
    rows = SyncRidgeFamily(detect=read, train=train).score([clip_pair(200, 1, rendered)])
    assert values(rows, "missed") == [pytest.approx(20 / 200)]
    assert values(rows, "unseen") == [0.0]
    assert values(rows, "lag") == [3]


def test_short_clips_are_joined_and_their_row_is_named_after_both(train):
    pairs = [clip_pair(30, seed, name=f"c{seed}") for seed in range(4)]
    rows = SyncRidgeFamily(detect=read, train=train).score(pairs)
    assert [row.clip for row in rows if row.metric == "sync_ridge_z"] == ["c0+c1", "c2+c3"]


def test_without_any_sound_it_is_unavailable_and_the_cards_name_what_it_gives(train):
    with pytest.raises(Unavailable, match="no clip has sound"):
        SyncRidgeFamily(detect=read).score([clip_pair(60, 1, sound=False)])
    rows = SyncRidgeFamily(detect=read, train=train).score([clip_pair(60, 1)])
    assert {row.metric for row in rows} == {card.id for card in SYNC_CARDS if card.family == "sync_ridge"}
    assert sync_fingerprint("sync_ridge") != sync_fingerprint("sync_ridge", "dlib")
