"""Log-mel features: values against a second calculation, alignment, and what happens to bad sound."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sound_toys import best_shift, delayed, syllables

from erlnet.audio.components import LogMel
from erlnet.audio.logmel import mel_filters
from erlnet.errors import UserError

RATE = 16_000


def noise(n: int, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(n)).astype(np.float32)


def slaney_corners(n: int, low: float, high: float) -> np.ndarray:
    """Filter corners from a table of mel -> Hz read off the scale's definition, interpolated."""
    mels = np.arange(0, 60, 0.001)
    hz = np.where(mels < 15, mels * 200 / 3, 1000 * 6.4 ** ((mels - 15) / 27))
    return np.interp(np.linspace(np.interp(low, hz, mels), np.interp(high, hz, mels), n + 2), mels, hz)


def test_values_equal_a_second_calculation_through_torch() -> None:
    """torch.stft with the frames' own centres, triangles drawn by interpolation between the scale's corners."""
    samples, n_frames = noise(RATE), 25
    lead = 200 - 80  # the first window, of 400 samples, is centred on sample 80
    padded = torch.from_numpy(np.pad(samples, (lead, 400))).double()
    window = torch.hann_window(400, periodic=True, dtype=torch.float64)
    # torch centres the 400-sample window in its 512-sample frame, so frames start 56 samples earlier.
    stft = torch.stft(
        torch.nn.functional.pad(padded, (56, 56)), 512, 160, 400, window, center=False, return_complex=True
    )
    power = (stft.abs().numpy()[:, : n_frames * 4] / 100) ** 2  # the window sums to 200: a full sine peaks at 100
    corners, bins = slaney_corners(80, 0, 8000), np.arange(257) * 31.25
    mel = np.stack([np.interp(bins, corners[i : i + 3], [0, 1, 0], left=0, right=0) @ power for i in range(80)])
    expected = np.log10(np.maximum(mel, 1e-8)).T.reshape(n_frames, 320)
    got = LogMel().build()(samples, n_frames)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=2e-4)


def test_a_full_scale_sine_reads_about_zero_decibels_in_the_filter_of_its_pitch() -> None:
    encoder = LogMel().build()
    sine = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    row = encoder(sine, 25)[12].reshape(4, 80)
    # 1 kHz is mel 15 and the corners lie 45.25 / 81 mel apart: centre number 15 / 0.5586 - 1 = 25.9
    assert set(row.argmax(1)) == {26}
    assert np.all(np.abs(row.max(1)) < 0.3)


ENCODER = LogMel().build()


@given(st.integers(0, RATE - 1))
def test_a_click_peaks_in_the_row_and_the_column_that_hold_its_moment(sample: int) -> None:
    samples = np.zeros(RATE, np.float32)
    samples[sample] = 1
    features = ENCODER(samples, 25)
    columns = features.reshape(100, 80).sum(1)  # one every 10 ms
    column, row = columns.argmax(), features.sum(1).argmax()
    # On the edge between two columns both hear it alike, so either may be the loudest.
    assert column == sample // 160 or sample % 160 == 0
    assert row == int(25 * sample / RATE) or sample % 640 == 0
    assert abs((column + 0.5) * 0.01 - sample / RATE) <= 0.005 + 1e-9
    assert abs((row + 0.5) / 25 - sample / RATE) <= 0.02 + 1e-9


@given(st.integers(1, 5))
def test_sound_moved_by_whole_frames_moves_the_rows(frames: int) -> None:
    samples = noise(RATE)
    moved = np.concatenate([np.zeros(640 * frames, np.float32), samples])[:RATE]
    np.testing.assert_array_equal(ENCODER(moved, 25)[frames + 1 : 24], ENCODER(samples, 25)[1 : 24 - frames])


@pytest.mark.parametrize("frames", [3, -4])
def test_sound_that_is_late_by_some_frames_is_detected(frames: int) -> None:
    samples = syllables(4)
    assert best_shift(ENCODER(samples, 100), ENCODER(delayed(samples, frames), 100)) == frames


def test_a_row_hears_sound_as_long_after_its_frame_as_it_says_and_no_longer() -> None:
    samples = noise(RATE)
    end = 13 * 640 + round(ENCODER.future * RATE)  # row 12's frame ends at sample 13 * 640
    for sample, heard in ((end - 1, True), (end, False)):
        other = samples.copy()
        other[sample] += 0.5
        assert (ENCODER(other, 25)[12] != ENCODER(samples, 25)[12]).any() == heard


def test_sound_that_is_short_is_padded_with_silence_and_sound_that_is_long_is_cut() -> None:
    samples = noise(RATE)
    short = ENCODER(samples[:100], 25)
    assert short.shape == (25, 320)
    assert np.all(short[1:] == -8)  # the floor of -80 dB, in bels
    # Row 9 looks 12.5 ms past its last centre, to sample 6400 + 120.
    np.testing.assert_array_equal(ENCODER(samples, 10), ENCODER(samples[:6520], 10))


def test_long_sound_gives_the_same_rows_as_its_parts() -> None:
    samples = noise(45 * RATE)  # more than one block of 40 s
    whole = ENCODER(samples, 45 * 25)
    part = ENCODER(samples[39 * RATE : 42 * RATE], 75)
    np.testing.assert_allclose(whole[39 * 25 + 1 : 42 * 25 - 1], part[1:-1], atol=1e-5)


def test_the_width_follows_the_options() -> None:
    encoder = LogMel(n_mels=40, f_min=50, f_max=7600).build()
    assert encoder.width == 160
    assert encoder(noise(RATE), 7).shape == (7, 160)


def test_filters_cover_every_frequency_between_their_ends_alike() -> None:
    """Neighbouring triangles of height 1 add up to 1 between the first and the last centre."""
    corners = slaney_corners(80, 0, 8000)
    bins = np.arange(257) * 31.25
    inside = (bins > corners[1]) & (bins < corners[-2])
    np.testing.assert_allclose(mel_filters(80, 0, 8000).sum(0)[inside], 1, atol=1e-9)


@pytest.mark.parametrize(
    ("samples", "n_frames", "words"),
    [
        (np.zeros(0, np.float32), 25, "empty"),
        (np.array([0, np.nan, 0], np.float32), 25, "no number at 0.000 s"),
        (np.full(RATE, np.inf, np.float32), 25, "no number"),
        (np.zeros(RATE, np.float32), 0, "0 frames"),
    ],
)
def test_sound_that_cannot_be_used_is_a_mistake_of_one_line(samples: np.ndarray, n_frames: int, words: str) -> None:
    with pytest.raises(UserError, match=words) as error:
        ENCODER(samples, n_frames)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("options", [{"n_mels": 0}, {"n_mels": 400}, {"f_min": 900, "f_max": 800}, {"f_max": 9000}])
def test_options_that_make_no_filter_bank_are_a_mistake(options: dict) -> None:
    with pytest.raises(UserError, match="logmel"):
        LogMel(**options).build()


def test_stereo_and_integer_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="must be"):
        ENCODER(np.zeros((RATE, 2), np.float32), 25)
    with pytest.raises(ValueError, match="must be"):
        ENCODER(np.zeros(RATE, np.int16), 25)
