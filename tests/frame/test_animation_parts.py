"""The pieces of an animation, each against a hand calculation."""

import itertools
import tracemalloc
import wave
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from erlnet.head.components import MakeHuman
from erlnet.head.model import HeadModel
from erlnet.metrics.motion.mesh import FaceMesh
from erlnet.metrics.motion.record import Motion
from erlnet.runs.animation_curves import Curves, curves_svg
from erlnet.runs.animation_film import Head, film
from erlnet.runs.animation_head import BACKGROUND, HeadView
from erlnet.runs.animation_measures import measure
from erlnet.runs.animation_wave import envelope, thinned
from erlnet.runs.driving_sound import read_sound
from erlnet.runs.mp4 import write_mp4


@pytest.fixture(scope="module")
def model():
    return MakeHuman().build()


def motion_of(n, **changed):
    arrays = {"expression": (n, 39), "jaw": (n, 3), "lids": (n, 2), "pose": (n, 6)}
    held = {name: np.zeros(shape, np.float32) for name, shape in arrays.items()}
    return Motion("clip", "anna", None, **held | changed)


def test_angles_are_read_in_degrees_with_the_signs_that_the_panels_name(model):
    pose = np.zeros((3, 6), np.float32)
    pose[0, 0], pose[1, 1], pose[2, 2] = np.deg2rad([10, 20, -30])
    curves = measure(motion_of(3, pose=pose, jaw=np.full((3, 3), [0.1, 0, 0], np.float32)),
                     FaceMesh(model, np.zeros(56, np.float32)), model.expression_names)  # fmt: skip
    np.testing.assert_allclose(curves["pitch"], [10, 0, 0], atol=1e-4)
    np.testing.assert_allclose(curves["yaw"], [0, 20, 0], atol=1e-4)
    np.testing.assert_allclose(curves["roll"], [0, 0, -30], atol=1e-4)
    np.testing.assert_allclose(curves["jaw"], 0.1 * 180 / np.pi, rtol=1e-5)


def test_brows_are_means_of_their_units(model):
    expression = np.zeros((2, 39), np.float32)
    expression[0, model.expression_names.index("browDownLeft")] = 0.6
    expression[1, model.expression_names.index("browInnerUp")] = 0.9
    mesh = FaceMesh(model, np.zeros(56, np.float32))
    curves = measure(motion_of(2, expression=expression), mesh, model.expression_names)
    np.testing.assert_allclose(curves["brows down"], [0.3, 0], atol=1e-6)
    np.testing.assert_allclose(curves["brows up"], [0, 0.3], atol=1e-6)
    nameless = measure(motion_of(2, expression=expression), mesh, tuple(map(str, range(39))))
    assert "upper face" in nameless
    assert nameless["upper face"].min() > 0.01  # mm: either unit moves it
    assert "brows up" not in nameless


def test_a_turned_head_looks_to_the_viewers_right_a_nod_goes_down(model):
    pose = np.zeros((3, 6), np.float32)
    pose[1, 1], pose[2, 0] = 0.3, 0.3  # to its own left, and down
    view = HeadView(model, np.zeros(56, np.float32), 64)
    points = view._vertices(motion_of(3, pose=pose), slice(0, 3))
    nose = model.landmarks68(torch.from_numpy(points))[:, 30].numpy()
    assert nose[1, 0] > nose[0, 0] + 0.02
    assert nose[2, 1] > nose[0, 1] + 0.02


def test_a_head_is_drawn_in_the_middle_of_its_background(model):
    view = HeadView(model, np.zeros(56, np.float32), 96)
    still, spoken = view.pictures(motion_of(2, jaw=np.array([[0, 0, 0], [0.3, 0, 0]], np.float32)))
    assert still.shape == (96, 96, 3)
    assert tuple(still[0, 0]) == tuple(still[0, -1]) == BACKGROUND
    assert still[40:60, 40:56].mean() > 90  # a lit face
    changed = np.abs(still.astype(int) - spoken).max(2) > 15
    rows = np.flatnonzero(changed.any(1))
    assert changed.any()
    assert rows.min() > 48  # the jaw moves nothing above the eyes
    assert still[60:, 40:56].astype(int).sum() > spoken[60:, 40:56].astype(int).sum()  # an open mouth is dark


def test_a_head_model_without_regions_is_drawn_in_one_colour(model):
    bare = HeadModel(replace(model.arrays, masks={}))
    plain, painted = (next(HeadView(m, np.zeros(56, np.float32), 64).pictures(motion_of(1))) for m in (bare, model))
    assert plain[25:40, 25:38].mean() > 90
    redness = [(p[..., 0].astype(int) - p[..., 1])[44:52, 28:36].mean() for p in (plain, painted)]
    assert redness[0] < redness[1] - 5  # no lips


def test_frames_are_made_when_the_encoder_takes_them(tmp_path):
    made = []

    def pictures():
        for i in itertools.count():
            made.append(i)
            yield np.full((384, 384, 3), i % 256, np.uint8)

    taken = film([Head("a", pictures())], np.zeros(16000, np.float32), 25)
    assert made == []
    next(taken)
    next(taken)
    assert made == [0, 1]
    assert write_mp4(tmp_path / "film.mp4", taken, np.zeros(16000, np.float32), "a comment") == 23


def test_memory_does_not_grow_with_the_length(tmp_path):
    def peak(n):
        head = Head("a", (np.zeros((384, 384, 3), np.uint8) for _ in range(n)))
        sound = np.zeros(n * 640, np.float32)
        tracemalloc.start()
        write_mp4(tmp_path / "film.mp4", film([head], sound, n), sound, "a comment")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(5)
    assert peak(300) < peak(30) + 2**20  # 270 pictures more are 160 MB


def test_a_film_that_breaks_off_leaves_what_was_there(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"the one before")

    def broken():
        for _ in range(80):  # more than the encoder looks ahead, so that a file has been begun
            yield np.zeros((64, 64, 3), np.uint8)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        write_mp4(path, broken(), np.zeros(1600, np.float32), "a comment")
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"the one before"]


def test_an_envelope_by_hand():
    low, high = envelope(np.array([1.0, -2.0, 3.0, 0.0, 5.0, 4.0]), 3)
    assert (low.tolist(), high.tolist()) == ([-2, 0, 4], [1, 3, 5])
    low, high = envelope(np.array([1.0, 2.0]), 4)
    assert low.tolist() == high.tolist() == [1, 1, 2, 2]


@given(arrays(float, st.integers(1, 300), elements=st.floats(-9, 9)), st.integers(2, 40))
def test_a_thinned_curve_keeps_its_order_and_its_peaks(values, most):
    at, kept = thinned(values, most)
    assert len(at) <= max(most, 2)
    assert (np.diff(at) > 0).all()
    assert np.array_equal(values[at], kept)
    if len(values) <= most or most % 2 == 0:
        assert (kept.min(), kept.max()) == (values.min(), values.max())


def test_labels_are_escaped_and_a_long_sound_gives_a_small_file():
    n = 15000  # ten minutes
    values = {name: np.sin(np.arange(n) / 9) for name in ("mouth", "jaw", "lids", "pitch", "yaw", "roll")}
    text = curves_svg([Curves("a<b", values)], np.zeros(n * 640, np.float32), 25.0, "of R&B")
    assert "a&lt;b" in text
    assert "of R&amp;B" in text
    assert len(text) < 400_000


def write_wav(path, samples, rate):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())


def test_stereo_at_another_rate_becomes_mono_at_16_khz_of_whole_frames(tmp_path):
    time = np.arange(round(0.73 * 44100)) / 44100
    tone = np.sin(2 * np.pi * 200 * time)
    write_wav(tmp_path / "a.wav", np.stack([0.6 * tone, 0.2 * tone], axis=1), 44100)
    sound = read_sound(tmp_path / "a.wav")
    assert (sound.n_frames, len(sound.samples)) == (19, 19 * 640)  # .73 s are 18.25 frames
    expected = 0.4 * np.sin(2 * np.pi * 200 * np.arange(11000) / 16000)
    np.testing.assert_allclose(sound.samples[500:11000], expected[500:], atol=0.01)
    assert not sound.samples[11700:].any()


@pytest.mark.parametrize(("name", "codec", "off"), [("a.m4a", "aac", 40), ("a.mp3", "libmp3lame", 500)])
def test_what_an_encoder_puts_before_the_sound_is_left_out(tmp_path, name, codec, off):
    """A click at .5 s; an mp3 here may be late by what its decoder adds, not by a frame of pictures."""
    samples = np.zeros(16000, np.float32)
    samples[8000:8040] = 0.9 * np.sin(np.arange(40))
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream(codec, rate=16000, layout="mono")
        for start in range(0, 16000, 640):
            block = av.AudioFrame.from_ndarray(samples[None, start : start + 640], format="fltp", layout="mono")
            block.sample_rate, block.pts, block.time_base = 16000, start, Fraction(1, 16000)
            container.mux(stream.encode(block))
        container.mux(stream.encode(None))
    sound = read_sound(tmp_path / name)
    assert abs(int(np.abs(sound.samples).argmax()) - 8020) < off
    assert 25 <= sound.n_frames <= 28


def test_a_videos_clock_starts_at_its_first_picture(tmp_path):
    """Pictures start .2 s after the sound; the click at .5 s of sound is at .3 s of the film."""
    samples = np.zeros(16000, np.float32)
    samples[8000:8016] = 0.9
    with av.open(str(tmp_path / "late.mkv"), "w") as container:
        video, audio = container.add_stream("libx264", rate=25), container.add_stream("pcm_s16le", rate=16000)
        video.width = video.height = 64
        audio.layout = "mono"
        for i in range(20):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            frame.pts, frame.time_base = i + 5, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        block = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16)[None], format="s16", layout="mono")
        block.sample_rate, block.pts, block.time_base = 16000, 0, Fraction(1, 16000)
        container.mux(audio.encode(block))
        container.mux(audio.encode(None))
    sound = read_sound(tmp_path / "late.mkv")
    assert sound.n_frames == 20
    assert abs(int(np.abs(sound.samples).argmax()) - 4800) < 100
