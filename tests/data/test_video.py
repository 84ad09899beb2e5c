"""Decoding onto the 25 fps grid, checked with flashes and clicks at known times."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlnet.data.video import on_grid, probe, read_audio, read_frames
from erlnet.errors import InputError

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def flash_frames(path):
    return [i for i, frame in enumerate(read_frames(path)) if frame.mean() > 200]


def click_time(samples):
    """s of the first loud sample."""
    return np.flatnonzero(np.abs(samples) > 0.2)[0] / 16_000


# --- the grid alone


def test_25_fps_passes_through_one_to_one_whatever_the_rounding():
    times = [round(0.027 + i / 25, 3) + (0.004 if i % 3 else -0.004) for i in range(50)]
    assert list(on_grid(zip(times, range(50)), end=None)) == list(range(50))


def test_30_fps_gives_the_frame_on_show_at_the_middle_of_each_interval():
    # Middles at 20, 60, 100, 140, 180, 220 ms; source frames start every 33.3 ms.
    assert list(on_grid(((i / 30, i) for i in range(7)), end=None))[:6] == [0, 1, 3, 4, 5, 6]


def test_a_held_frame_is_repeated_until_the_next_one():
    assert list(on_grid([(0.0, "a"), (0.2, "b")], end=0.28)) == ["a"] * 5 + ["b"] * 2


def test_a_single_frame_gives_one_frame():
    assert list(on_grid([(3.0, "a")], end=None)) == ["a"]
    assert list(on_grid([], end=None)) == []


@given(fps=st.floats(5, 120), n=st.integers(1, 300), start=st.floats(0, 100))
def test_the_grid_never_drifts(fps, n, start):
    chosen = list(on_grid(((start + i / fps, i) for i in range(n)), end=start + n / fps))
    assert abs(len(chosen) - n / fps * 25) <= 1
    for i, source in enumerate(chosen):
        middle = (i + 0.5) / 25
        assert source / fps - 1e-6 <= middle
        assert middle <= (source + 1) / fps + 1e-6 or source == n - 1


# --- real files


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(("video_start", "audio_start"), [(0.0, 0.0), (0.08, 0.0), (0.0, 0.12), (0.4, 0.2)])
def test_flash_and_click_land_on_the_same_frame(tmp_path, made_video, suffix, video_start, audio_start):
    flash = 36  # source frame at 30 fps: 1.2 s after the first one, grid frame 30
    made = made_video(flash=flash, click=video_start + flash / 30, video_start=video_start, audio_start=audio_start)
    path = made.write(tmp_path / f"clip{suffix}")
    assert flash_frames(path) == [30]
    info = probe(path)
    assert info.start == pytest.approx(video_start, abs=0.002)
    samples = read_audio(path, info.start, 50)
    assert len(samples) == 50 * 640
    assert click_time(samples) == pytest.approx(1.2, abs=0.004)


def test_sound_that_starts_late_is_silence_before(tmp_path, made_video):
    path = made_video(click=0.52, audio_start=0.5).write(tmp_path / "late.mkv")
    samples = read_audio(path, 0.0, 50)
    assert not samples[: round(0.499 * 16_000)].any()
    assert click_time(samples) == pytest.approx(0.52, abs=0.002)


@pytest.mark.parametrize("sample_rate", [8_000, 44_100, 96_000])
def test_every_sample_rate_and_stereo_become_16_khz_mono(tmp_path, made_video, sample_rate):
    path = made_video(click=1.0, sample_rate=sample_rate, stereo=True).write(tmp_path / "a.mkv")
    samples = read_audio(path, 0.0, 50)
    assert samples.shape == (32_000,)
    assert samples.dtype == np.float32
    assert click_time(samples) == pytest.approx(1.0, abs=0.002)
    assert 0.5 < np.abs(samples).max() <= 1.0


def test_a_video_without_sound_says_so(tmp_path, made_video):
    path = made_video(sample_rate=None).write(tmp_path / "mute.mp4")
    assert not probe(path).has_sound
    assert read_audio(path, 0.0, 50) is None


def test_a_rotation_flag_is_honoured(tmp_path, made_video):
    def paint(_):
        picture = np.full((64, 96, 3), 40, np.uint8)
        picture[:16, :16] = 250  # bright at the top left of the stored picture
        return picture

    path = made_video(sample_rate=None, paint=paint, n_frames=3).write(tmp_path / "turned.mp4")
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    clockwise = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 64 << 16, 0, 1 << 30)  # show turned by 90 degrees
    data = path.read_bytes()
    track = data.index(b"tkhd")
    at = data.index(identity, track)
    path.write_bytes(data[:at] + clockwise + data[at + 36 :])
    frame = next(read_frames(path))
    assert frame.shape == (96, 64, 3)
    assert (probe(path).height, probe(path).width) == (96, 64)
    assert frame[:12, -12:].mean() > 200  # top left turned clockwise is top right
    assert frame[:12, :12].mean() < 100


def test_colours_survive(tmp_path, made_video):
    colour = np.array([200, 60, 90], np.uint8)
    path = made_video(n_frames=2, sample_rate=None, paint=lambda _: np.tile(colour, (64, 96, 1))).write(
        tmp_path / "c.mp4"
    )
    assert np.abs(next(read_frames(path)).astype(int) - colour).max() <= 4


# --- wrong input: one line that names the file


def refused(path):
    with pytest.raises(InputError) as caught:
        for _ in read_frames(path):
            pass
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    return message


def test_a_text_file_is_refused(tmp_path):
    path = tmp_path / "text.mp4"
    path.write_text("no video")
    assert "cannot be read as a video" in refused(path)


def test_empty_and_absent_files_are_refused(tmp_path):
    (tmp_path / "empty.mp4").touch()
    assert "empty" in refused(tmp_path / "empty.mp4")
    assert "no such file" in refused(tmp_path / "absent.mp4")


def test_sound_alone_is_refused(tmp_path):
    import wave

    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(b"\0\0" * 1600)
    assert "no picture" in refused(path)


def test_a_file_cut_before_its_index_is_refused(tmp_path, made_video):
    data = made_video().write(tmp_path / "whole.mp4").read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(data[: len(data) // 3])
    assert "cannot be read as a video" in refused(path)


def test_a_file_with_its_index_but_half_its_frames_is_called_truncated(tmp_path, made_video):
    noise = np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    data = made_video(n_frames=120, paint=lambda i: np.roll(noise, 3 * i, 1)).write(tmp_path / "w.mkv").read_bytes()
    path = tmp_path / "half.mkv"
    path.write_bytes(data[: len(data) // 3])
    assert "truncated" in refused(path)


# --- the shared clip


def test_the_shared_clip_starts_late_and_keeps_its_length():
    path = SHARED / "data" / "clips" / "dfrf_french.mp4"
    if not path.exists():
        pytest.skip("no shared clips on this machine")
    info = probe(path)
    assert info.start == pytest.approx(0.08)
    assert (info.height, info.width, info.has_sound) == (512, 512, True)
    assert info.n_frames == 1258  # 1510 frames of 30 fps
