"""Decoding onto the 25 fps grid, checked with flashes and clicks at known times."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlnet.data.video import Stretch, on_grid, placed, probe, read_audio, read_frames, read_shown
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


def tone(path, codec, lost=(), seconds=8, rate=48_000):
    """A sound file of a tone that rises; the packets numbered `lost` are left out, and later ones keep their times."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        time = np.arange(seconds * rate) / rate
        samples = (8000 * np.sin(2 * np.pi * (300 + 20 * time) * time)).astype(np.int16)  # 300 to 620 Hz
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        size = stream.codec_context.frame_size or rate // 50
        cut = av.AudioResampler(format=stream.format.name, layout="mono", rate=rate, frame_size=size)
        packets = [p for block in [*cut.resample(frame), *cut.resample(None), None] for p in stream.encode(block)]
        for i, packet in enumerate(packets):
            if i not in lost:
                container.mux(packet)
    return path


def longest_silence(samples):
    """s, the longest run of zeros."""
    loud = np.flatnonzero(samples)
    return max(np.diff(loud).max(), loud[0], len(samples) - loud[-1]) / 16_000


@pytest.mark.parametrize("lost", [(50, 51), (50, 52, 54), (50, 150, 250)])
def test_lost_packets_of_sound_are_silence_and_what_follows_keeps_its_time(tmp_path, lost):
    whole = read_audio(tone(tmp_path / "whole.mkv", "pcm_s16le"), 0.0, 200)
    holed = read_audio(tone(tmp_path / "holed.mkv", "pcm_s16le", lost), 0.0, 200)
    gone = np.zeros(len(whole), bool)
    for i in lost:
        assert not holed[320 * i + 40 : 320 * i + 280].any()
        gone[320 * i - 40 : 320 * i + 360] = True
    assert np.abs(holed - whole)[~gone].max() < 0.02


def test_a_lost_packet_of_a_codec_keeps_what_follows_in_time(tmp_path):
    whole = read_audio(tone(tmp_path / "whole.mkv", "aac"), 0.0, 200)
    holed = read_audio(tone(tmp_path / "holed.mkv", "aac", (90, 91)), 0.0, 200)
    later = slice(5 * 16_000 // 2, 7 * 16_000)
    shifts = range(-80, 81)
    best = max(shifts, key=lambda by: np.roll(holed, by)[later] @ whole[later])
    assert abs(best) <= 20  # 1 ms: Matroska's rounding


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [("a.mkv", "aac", 44_100), ("a.mp4", "aac", 44_100), ("a.flv", "aac", 44_100), ("b.flv", "libmp3lame", 44_100),
     ("c.mkv", "libmp3lame", 44_100), ("a.ts", "aac", 48_000), ("a.webm", "libopus", 48_000)],
)  # fmt: skip
def test_ordinary_files_have_no_silence_put_between_their_packets(tmp_path, name, codec, rate):
    samples = read_audio(tone(tmp_path / name, codec, rate=rate), 0.0, 200)
    assert longest_silence(samples[1600:-1600]) < 0.001
    steps = np.abs(np.diff(samples[1600:-1600], n=2))
    assert steps.max() < 0.025  # 0.015 in the tone itself; a sample left out or put in would be 0.06


def test_blocks_of_sound_move_for_a_lasting_step_and_not_for_times_that_waver():
    rng = np.random.default_rng(0)
    lengths = np.full(200, 320)
    even = 320 * np.arange(200)
    rounded = even + rng.uniform(-16, 16, 200)  # 1 ms
    rounded[[40, 41, 90]] += [900, 400, -700]  # single wrong times
    assert np.diff(placed(rounded, lengths, 80)).tolist() == [320] * 199
    stepped = even + 640 * (np.arange(200) >= 70) + 320 * (np.arange(200) >= 72)
    assert placed(stepped.astype(float), lengths, 80) == stepped.tolist()
    slow = even * 1.001
    assert np.abs(placed(slow, lengths, 80) - slow).max() <= 82
    assert placed(np.zeros(0), np.zeros(0, int), 80) == []


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


def ramp(i):
    """A picture that says which one it is: a bar that moves by 3 px a frame."""
    picture = np.full((64, 96, 3), 40, np.uint8)
    picture[:, 3 * (i % 30) : 3 * (i % 30) + 6] = 220
    return picture


def test_variable_frame_rate_shows_each_frame_as_long_as_it_was_on_show(tmp_path, made_video):
    # 40 frames at 50 fps, then 10 frames at 10 fps: .8 s and 1 s.
    times = [i / 50 for i in range(40)] + [0.8 + i / 10 for i in range(10)]
    path = made_video(sample_rate=None, paint=ramp, n_frames=50, times=times, fps=50).write(tmp_path / "vfr.mkv")
    numbers = [shown.number for shown in read_shown(path)]
    assert numbers[:20] == list(range(1, 40, 2))  # the one on show at the middle of each 40 ms
    assert np.bincount(numbers[20:])[40:49].tolist() == [2, 3] * 4 + [2] or len(numbers) in (44, 45)
    assert all(abs(times[n] - i / 25) < 0.1 for i, n in enumerate(numbers))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_stretch_holds_the_same_frames_as_the_whole(tmp_path, made_video, suffix):
    path = made_video(sample_rate=None, paint=ramp, n_frames=240, video_start=0.2, options={"g": "40", "bf": "2"})
    path = path.write(tmp_path / f"long{suffix}")
    whole = [(shown.picture.copy(), shown.number) for shown in read_shown(path)]
    for begin, end in ((0, 10), (5, 30), (100, 140), (150, None)):
        part = list(read_shown(path, Stretch(begin, end)))
        assert [shown.number for shown in part] == [number for _, number in whole[begin:end]]
        assert all((shown.picture == picture).all() for shown, (picture, _) in zip(part, whole[begin:end]))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".flv"])
def test_a_stretch_of_a_variable_frame_rate_knows_its_source_frames(tmp_path, made_video, suffix):
    """50 frames a second first, 10 later: a number by the mean rate would be far off."""
    times = [i / 50 for i in range(150)] + [3 + i / 10 for i in range(60)]
    made = made_video(paint=ramp, n_frames=210, times=times, fps=50, sample_rate=None, video_start=0.2,
                      options={"g": "20", "bf": "2"})  # fmt: skip
    path = made.write(tmp_path / f"vfr{suffix}")
    whole = [shown.number for shown in read_shown(path)]
    assert whole[100] == 160
    for begin, end in ((80, 90), (100, 110), (180, None)):
        assert [shown.number for shown in read_shown(path, Stretch(begin, end))] == whole[begin:end]


def test_a_stretch_of_vp8_counts_no_hidden_frames(tmp_path):
    path = tmp_path / "hidden.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=25)
        stream.height, stream.width, stream.pix_fmt, stream.bit_rate = 64, 96, "yuv420p", 200_000
        pictures = [av.VideoFrame.from_ndarray(ramp(i), format="rgb24") for i in range(150)]
        for i, packet in enumerate(p for picture in [*pictures, None] for p in stream.encode(picture)):
            data = bytearray(bytes(packet))
            if i % 10 == 5:
                data[0] &= ~0x10  # the header's show_frame
            changed = av.Packet(bytes(data))
            changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
            changed.stream, changed.is_keyframe = stream, packet.is_keyframe
            container.mux(changed)
    whole = [shown.number for shown in read_shown(path)]
    assert whole[110] < 101
    assert [shown.number for shown in read_shown(path, Stretch(110, 130))] == whole[110:130]


def test_an_interlaced_video_is_deinterlaced(tmp_path):
    """A bar moves 5 px from field to field: woven lines are combed, deinterlaced ones are not."""

    def bar(x):
        picture = np.full((96, 192), 40, np.uint8)
        picture[:, x : x + 20] = 220
        return picture

    def combed(picture):
        """Mean difference between neighbouring lines; the bar is upright, so a whole picture has none."""
        return np.abs(np.diff(picture[20:76].astype(int), axis=0)).mean()

    path, woven = tmp_path / "fields.mpg", []
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg2video", rate=25, options={"flags": "+ilme+ildct", "qscale": "2"})
        stream.height, stream.width, stream.pix_fmt, stream.bit_rate = 96, 192, "yuv420p", 4_000_000
        fields = av.filter.Graph()  # it alone can mark frames as woven of two fields
        nodes = (
            fields.add_buffer(width=192, height=96, format="yuv420p", time_base=Fraction(1, 25)),
            fields.add("setfield", "tff"),
            fields.add("buffersink"),
        )
        fields.link_nodes(*nodes).configure()
        for i in range(14):
            picture = bar(10 + 10 * i)
            picture[1::2] = bar(15 + 10 * i)[1::2]
            woven.append(combed(picture))
            frame = av.VideoFrame.from_ndarray(np.stack([picture] * 3, -1), format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            fields.push(frame)
            container.mux(stream.encode(fields.vpull()))
        container.mux(stream.encode(None))
    assert probe(path).interlaced
    frames = list(read_frames(path))
    assert len(frames) == 14
    assert max(combed(f[..., 0]) for f in frames[1:-1]) < 0.35 * min(woven)


def test_pixels_that_are_not_square_are_made_so(tmp_path, made_video):
    def circle(_):
        y, x = np.mgrid[:64, :96]
        return np.repeat(np.where(((x - 48) / 15) ** 2 + ((y - 32) / 20) ** 2 < 1, 230, 30)[..., None], 3, 2).astype(
            "u1"
        )

    path = made_video(sample_rate=None, paint=circle, n_frames=3, aspect=(4, 3)).write(tmp_path / "wide.mkv")
    info = probe(path)
    assert (info.height, info.width) == (64, 128)
    frame = next(read_frames(path))
    assert frame.shape == (64, 128, 3)
    bright = frame[..., 0] > 128
    assert abs(np.ptp(np.flatnonzero(bright.any(0))) - np.ptp(np.flatnonzero(bright.any(1)))) <= 2


def test_odd_sizes_are_read(tmp_path, made_video):
    def paint(_):
        return np.full((63, 95, 3), 90, np.uint8)

    path = made_video(size=(63, 95), paint=paint, sample_rate=None, n_frames=3, pix_fmt="yuv444p").write(
        tmp_path / "odd.mkv"
    )
    assert next(read_frames(path)).shape == (63, 95, 3)


def test_a_sound_file_of_its_own_is_read_on_the_videos_clock(tmp_path, made_video):
    path = made_video(click=1.0).write(tmp_path / "a.mkv")
    with av.open(str(path)) as source, av.open(str(tmp_path / "a.m4a"), "w") as target:
        stream = target.add_stream("aac", rate=48_000)
        for frame in source.decode(source.streams.audio[0]):
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    assert click_time(read_audio(tmp_path / "a.m4a", 0.0, 50)) == pytest.approx(1.0, abs=0.03)
    assert click_time(read_audio(tmp_path / "a.m4a", 0.4, 40)) == pytest.approx(0.6, abs=0.03)


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


def test_frames_without_a_clock_are_refused(tmp_path, made_video):
    path = made_video(sample_rate=None, times=[0.0] + [0.04 + 1e-5 * (i % 2) for i in range(29)], n_frames=30, fps=25)
    with pytest.raises((InputError, av.error.FFmpegError), match=r"do not rise|Invalid"):
        list(read_frames(path.write(tmp_path / "stuck.mkv")))


# --- the shared clip


def test_the_shared_clip_starts_late_and_keeps_its_length():
    path = SHARED / "data" / "clips" / "dfrf_french.mp4"
    if not path.exists():
        pytest.skip("no shared clips on this machine")
    info = probe(path)
    assert info.start == pytest.approx(0.08)
    assert (info.height, info.width, info.has_sound) == (512, 512, True)
    assert info.n_frames == 1258  # 1510 frames of 30 fps
