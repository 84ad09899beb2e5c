"""The demo's sentences, voice and mouth."""

import hashlib
import subprocess
import sys
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_toeplitz

from erlnet.data.demo.mouth import CLOSED_RADIANS
from erlnet.data.demo.phonemes import CONSONANTS, PHONEMES, SILENCE, VOWELS
from erlnet.data.demo.sentence import (
    CONSONANT_SECONDS,
    VOWEL_SECONDS,
    Phrase,
    Segment,
    Sentence,
    compose,
)
from erlnet.data.demo.speech import Performance, perform
from erlnet.data.demo.styles import STYLES
from erlnet.data.demo.synthesis import Voice, synthesise
from erlnet.errors import UserError

RATE = 16_000
UNITS = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "mouthClose", "mouthFunnel",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRollLower",
    "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "noseSneerLeft", "tongueOut",
)  # fmt: skip
PIVOT = np.array([0.0, -0.09, -0.04])


def play(seed: int, style: str = "neutral", n_frames: int = 100, speaker: int = 0) -> Performance:
    return perform(seed, speaker, style, n_frames, UNITS, PIVOT)


def unit(performance: Performance, name: str) -> np.ndarray:
    return performance.expression[:, UNITS.index(name)]


def opening(performance: Performance) -> np.ndarray:
    """How far the jaw opens the lips, less what mouthClose takes back, in rad."""
    return performance.jaw[:, 0] - CLOSED_RADIANS * unit(performance, "mouthClose")


def at(performance: Performance, symbols: str, values: np.ndarray) -> np.ndarray:
    """`values` at the frame nearest to the middle of each of those phonemes."""
    frames = [int(s.centre * 25) for s in performance.phonemes if s.phoneme.symbol in symbols.split()]
    return values[[t for t in frames if t < len(values)]]


def sustained(symbol: str, pitch: float = 110.0, tract: float = 1.0) -> np.ndarray:
    """The middle of one long phoneme."""
    segments = (Segment(SILENCE, 0, 0.1), Segment(PHONEMES[symbol], 0.1, 1.0), Segment(SILENCE, 1.0, 1.2))
    voice = Voice(pitch, 0.0, tract, open_quotient=0.6, brightness=3000, loudness=1.0)
    sentence = Sentence(segments, (), (Phrase(0.1, 1.0, False),))
    sound = synthesise(sentence, voice, int(1.2 * RATE), np.random.default_rng(1))
    return sound[int(0.3 * RATE) : int(0.8 * RATE)].astype(float)


def lpc_formants(sound: np.ndarray) -> np.ndarray:
    """Frequencies of the sharp poles of a linear predictor of order 18 (autocorrelation method), ascending."""
    x = np.append(sound[0], sound[1:] - 0.97 * sound[:-1]) * np.hamming(len(sound))
    r = np.correlate(x, x, "full")[len(x) - 1 : len(x) + 18]
    roots = np.roots(np.append(1, -solve_toeplitz(r[:-1], r[1:])))
    roots = roots[roots.imag > 0]
    frequency, bandwidth = np.angle(roots) * RATE / (2 * np.pi), -np.log(np.abs(roots)) * RATE / np.pi
    return np.sort(frequency[(bandwidth < 500) & (frequency > 150)])


@pytest.mark.parametrize("vowel", [v.symbol for v in VOWELS])
def test_formants_of_a_sustained_vowel_lie_at_their_targets(vowel):
    found = lpc_formants(sustained(vowel))[:3]
    np.testing.assert_allclose(found[0], PHONEMES[vowel].formants[0], atol=60)  # a harmonic is 110 Hz wide
    np.testing.assert_allclose(found[1:], PHONEMES[vowel].formants[1:], rtol=0.06)


def test_a_shorter_tract_raises_every_formant():
    ratio = lpc_formants(sustained("EH", tract=1.15))[:3] / lpc_formants(sustained("EH"))[:3]
    np.testing.assert_allclose(ratio, 1.15, atol=0.06)


@pytest.mark.parametrize("pitch", [90.0, 140.0, 230.0])
def test_the_voice_repeats_at_its_pitch(pitch):
    sound = sustained("AH", pitch)
    r = np.correlate(sound, sound, "full")[len(sound) :]  # lag 1 on
    shortest = RATE // 400
    lag = shortest + r[shortest - 1 : RATE // 60].argmax()
    assert RATE / lag == pytest.approx(pitch, rel=0.02)


def test_hisses_are_high_vowels_are_low_and_pauses_are_quiet():
    def centroid(symbol):
        power = np.abs(np.fft.rfft(sustained(symbol) * np.hanning(8000))) ** 2
        return (power * np.fft.rfftfreq(8000, 1 / RATE)).sum() / power.sum()

    assert centroid("AA") < 1500
    assert 2500 < centroid("SH") < centroid("S")
    assert centroid("S") > 5000
    assert sustained("SIL").std() < 0.01 * sustained("AA").std()


@pytest.mark.parametrize("rate", [0.9, 1.0, 1.2])
def test_sentences_are_syllables_with_durations_of_their_class(rate):
    sentence = compose(np.random.default_rng(3), 60.0, rate)
    segments = sentence.segments
    assert segments[0].start == 0
    assert segments[-1].end > 60.3
    assert all(a.end == b.start for a, b in pairwise(segments))
    assert {s.phoneme.symbol for s in segments} == set(PHONEMES)
    run = 0
    for segment in segments:
        kind, seconds = segment.phoneme.kind, segment.end - segment.start
        run = run + 1 if kind not in ("vowel", "silence") else 0
        assert run <= 2  # a coda and an onset at most
        if kind != "silence":
            shortest, longest = VOWEL_SECONDS if kind == "vowel" else CONSONANT_SECONDS
            assert shortest - 1e-9 <= seconds <= longest + 1e-9
    spoken = sum(p.end - p.start for p in sentence.phrases)
    assert 3.5 < sum(s.phoneme.kind == "vowel" for s in segments) / spoken < 6.5
    vowels = [s for s in segments if s.phoneme.kind == "vowel"]
    assert all(any(v.start < a.time < v.end for v in vowels) for a in sentence.accents)


def test_the_inventory_is_that_of_a_language():
    assert 20 <= len(VOWELS) + len(CONSONANTS) <= 27
    assert {p.symbol for p in CONSONANTS if p.bilabial} == {"P", "B", "M"}
    assert all(0 < a < b < c < 3500 for a, b, c in (p.formants for p in PHONEMES.values() if p.formants))


@pytest.mark.parametrize("style", list(STYLES))
def test_bilabials_shut_the_lips_and_open_vowels_part_them(style):
    shows = [play(seed, style, 200) for seed in range(3)]
    shut = np.concatenate([at(s, "P B M", opening(s)) for s in shows])
    open_ = np.concatenate([at(s, "AA AE", opening(s)) for s in shows])
    press = np.concatenate([at(s, "P B M", unit(s, "mouthPressLeft")) for s in shows])
    assert len(shut) > 15
    assert shut.max() < 0.006  # rad, about half a millimetre at the lips
    assert np.median(open_) > 0.1
    assert press.min() > 0.1


def test_rounded_vowels_purse_and_spread_vowels_stretch():
    shows = [play(seed, n_frames=250) for seed in range(4)]

    def mean(symbols, name):
        return np.concatenate([at(s, symbols, unit(s, name)) for s in shows]).mean()

    assert mean("UW", "mouthPucker") > 0.3
    assert mean("UW", "mouthPucker") > 4 * mean("IY", "mouthPucker")
    assert mean("IY", "mouthStretchLeft") > 4 * mean("UW", "mouthStretchLeft")
    assert mean("F V", "mouthRollLower") > 0.4


def test_the_jaw_opens_wider_for_opener_vowels():
    shows = [play(seed, n_frames=250) for seed in range(4)]
    high, mid, low = (np.concatenate([at(s, v, s.jaw[:, 0]) for s in shows]).mean() for v in ("IY UW", "EH AH", "AA"))
    assert high < 0.6 * mid
    assert mid < 0.85 * low
    assert 0.12 < low < 0.3


def test_the_mouth_moves_at_the_rate_of_syllables_and_does_not_jitter():
    tracks = np.stack([opening(play(seed, n_frames=250)) for seed in range(4)])
    power = (np.abs(np.fft.rfft((tracks - tracks.mean(1, keepdims=True)) * np.hanning(250))) ** 2).mean(0)
    frequency = np.fft.rfftfreq(250, 1 / 25)
    assert power[frequency > 8].sum() < 0.03 * power.sum()
    assert power[(frequency > 2) & (frequency < 7)].sum() > 0.3 * power.sum()


def log_mels(sound: np.ndarray, n_frames: int) -> np.ndarray:
    """(T, 300): 20 log-mels of 32 ms about each frame's middle, over +-7 frames."""
    edges = 700 * (10 ** (np.linspace(100, 2800, 22) / 2595) - 1)
    bins = np.fft.rfftfreq(512, 1 / RATE)
    rise = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    bank = np.minimum(rise, fall).clip(0)
    starts = ((np.arange(n_frames) + 0.5) * 640).astype(int)
    chunks = np.pad(sound, 256)[starts[:, None] + np.arange(512)] * np.hanning(512)
    mels = np.log(np.abs(np.fft.rfft(chunks)) ** 2 @ bank.T + 1e-4)
    padded = np.pad(mels, ((7, 7), (0, 0)), mode="edge")
    return np.concatenate([padded[i : i + n_frames] for i in range(15)], axis=1)


def best_lag(predicted: list[np.ndarray], true: list[np.ndarray]) -> tuple[int, float]:
    """The lag within +-8 frames at which the prediction follows the truth best, and r there."""

    def r(lag):
        a = np.concatenate([np.roll(p, -lag)[8:-8] for p in predicted])
        return np.corrcoef(a, np.concatenate([t[8:-8] for t in true]))[0, 1]

    lags = range(-8, 9)
    scores = [r(lag) for lag in lags]
    return lags[int(np.argmax(scores))], max(scores)


def test_sound_tells_the_mouth_opening_and_a_shift_of_the_sound_is_read_as_such():
    styles = list(STYLES)
    train = [play(seed, styles[seed % 3]) for seed in range(9)]
    test = [play(seed, styles[seed % 3]) for seed in range(100, 106)]
    x = np.concatenate([log_mels(p.audio, 100) for p in train])
    y = np.concatenate([opening(p) for p in train])
    mean, sd = x.mean(0), x.std(0)
    x = (x - mean) / sd
    weights = np.linalg.solve(x.T @ x + 100 * np.eye(x.shape[1]), x.T @ (y - y.mean()))

    def predict(sound):
        return (log_mels(sound, 100) - mean) / sd @ weights + y.mean()

    true = [opening(p) for p in test]
    for shift in (0, -4, 3, 6):
        lag, r = best_lag([predict(np.roll(p.audio, shift * 640)) for p in test], true)
        assert abs(lag - shift) <= 1
        assert r >= 0.75
    assert (
        best_lag([predict(p.audio) for p in test], [*true[1:], true[0]])[1] < 0.4
    )  # another clip's sound does not tell


def digest(performance: Performance) -> str:
    arrays = [v for v in vars(performance).values() if isinstance(v, np.ndarray)]
    return hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest()


def test_the_same_arguments_give_the_same_bytes_in_another_process():
    code = """
import hashlib, sys, numpy as np
from erlnet.data.demo.speech import perform
show = perform(7, 2, "happy", 30, tuple(sys.argv[1:]), np.array([0.0, -0.09, -0.04]))
arrays = [v for v in vars(show).values() if isinstance(v, np.ndarray)]
print(hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest())
"""
    other = subprocess.run([sys.executable, "-c", code, *UNITS], capture_output=True, text=True, check=True)
    assert digest(play(7, "happy", 30, 2)) == other.stdout.strip()


def test_another_seed_speaker_or_style_says_something_else():
    said = {
        tuple(s.phoneme.symbol for s in play(seed, style, 50, speaker).phonemes)
        for seed in (0, 1) for speaker in (0, 1) for style in STYLES
    }  # fmt: skip
    assert len(said) == 12


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32), speaker=st.integers(0, 50), style=st.sampled_from(list(STYLES)), n=st.integers(1, 60)
)
def test_every_stream_has_its_shape_and_range(seed, speaker, style, n):
    show = perform(seed, speaker, style, n, UNITS, PIVOT)
    shapes = {"audio": (n * 640,), "jaw": (n, 3), "expression": (n, len(UNITS)), "lids": (n, 2), "eyes": (n, 6),
              "pose": (n, 6), "torso": (n, 6), "hidden": (n, 3)}  # fmt: skip
    for name, shape in shapes.items():
        array = getattr(show, name)
        assert array.shape == shape
        assert array.dtype == np.float32
        assert np.isfinite(array).all()
    assert np.abs(show.audio).max() <= 0.95
    assert show.jaw[:, 0].min() >= -1e-6
    assert show.jaw[:, 0].max() < 0.33
    assert show.expression.min() >= 0
    assert show.expression.max() <= 1
    assert show.lids.min() >= 0
    assert show.lids.max() <= 1
    assert np.abs(show.hidden).max() <= 1
    assert not unit(show, "tongueOut").any()
    assert all(s.start < n / 25 for s in show.phonemes)


def test_an_unknown_style_is_named_beside_the_known_ones():
    with pytest.raises(UserError, match=r"'furious'.*neutral, happy, angry"):
        play(0, "furious")


def test_closing_the_lips_is_measured_in_the_shipped_heads_own_jaw_unit():
    path = files("erlnet.head") / "data" / "makehuman.npz"
    if not path.is_file():
        pytest.skip("the free head model is not baked")
    with path.open("rb") as file, np.load(file) as head:
        assert pytest.approx(float(head["jaw_open_angle"]), abs=0.005) == CLOSED_RADIANS
