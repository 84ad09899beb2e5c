"""Coefficient sequences that a user has."""

import wave
from pathlib import Path, PurePath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat
from scipy.spatial.transform import Rotation

from erlnet.data.clip import open_index
from erlnet.data.components import Sequences
from erlnet.data.sequence_names import named, sides
from erlnet.data.splits import make_split
from erlnet.errors import UserError
from erlnet.head.streams import pack_expression, pack_pose
from erlnet.interfaces import Preparation

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "motion"


class Listener:
    def __init__(self):
        self.notes = []

    def update(self, step, total, loss=None):
        pass

    def note(self, text):
        self.notes.append(text)


def prepare(data, out, **options):
    """(clips, notes)"""
    listener = Listener()
    Sequences(**options).build().prepare(Preparation(data, out, out, None, None, 1, listener))
    return open_index(out), listener.notes


def write_mat(path, n=90, seed=0, width=257):
    rows = np.random.default_rng(seed).normal(0, 0.2, (n, width)).cumsum(0) / 10
    savemat(path, {"coeff": rows.astype(np.float32), "transform_params": np.zeros((n, 5))})
    return rows


def write_npz(path, n=50, fps=25.0, width=6, **more):
    rng = np.random.default_rng(n)
    held = {
        "expression": rng.normal(size=(n, width)), "jaw": rng.normal(size=(n, 3)), "lids": rng.uniform(size=(n, 2)),
        "rotation": rng.normal(0, 0.3, (n, 3)), "translation": rng.normal(0, 0.01, (n, 3)), "fps": fps,
    } | more  # fmt: skip
    np.savez(path, **{k: v for k, v in held.items() if v is not None})
    return held


def write_wav(path, seconds, rate=16_000):
    samples = (0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


@pytest.fixture
def many(tmp_path):
    """Twelve recordings in thirty files."""
    data = tmp_path / "many"
    data.mkdir()
    for i in range(30):
        write_npz(data / f"talk{i % 12}_clip{i // 12}.npz", 40 + i)
    return data


# What is read


def test_an_npz_at_25_fps_comes_back_as_it_is(tmp_path):
    held = write_npz(tmp_path / "a.npz", style="angry", speaker="Ann")
    (clip,), notes = prepare(tmp_path / "a.npz", tmp_path / "out", split="none")
    assert notes == []
    assert (len(clip), clip.has_frames, clip.has_sound, clip.head_model) == (50, False, False, "none")
    assert (clip.labels.speaker, clip.labels.style, clip.labels.dataset) == ("Ann", "angry", "sequences")
    c = clip.coefficients
    expected = np.concatenate([held["expression"], held["jaw"], held["lids"]], 1)
    np.testing.assert_allclose(pack_expression(c.expression, c.jaw, c.lids), expected, atol=1e-6)
    expected = np.concatenate([held["rotation"], held["translation"]], 1)
    np.testing.assert_allclose(pack_pose(c.head_to_world, c.root), expected, atol=2e-6)
    assert c.shape.shape == (0,)
    assert c.valid.all()


def test_what_an_npz_need_not_have_is_zero(tmp_path):
    write_npz(tmp_path / "a.npz", jaw=None, lids=None, rotation=None, translation=None, fps=None)
    (clip,), _ = prepare(tmp_path / "a.npz", tmp_path / "out", split="none", fps=25.0)
    c = clip.coefficients
    assert not c.jaw.any()
    assert not c.lids.any()
    np.testing.assert_allclose(c.neck, np.tile(np.eye(4), (50, 1, 1)), atol=1e-7)
    assert clip.labels.speaker == "a"


def test_deep3ds_mat_is_turned_as_its_own_code_turns_it(tmp_path):
    """Its `compute_rotation`: rows times (Rz Ry Rx)^T, written out here; lengths are decimetres."""
    rows = write_mat(tmp_path / "a.mat").astype(np.float32)
    (clip,), _ = prepare(tmp_path / "a.mat", tmp_path / "out", split="none", fps=25.0)
    x, y, z = rows[40, 224:227].astype(float)
    rx = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    ry = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    rz = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    point = np.array([0.3, -0.5, 0.7])
    turned = point @ (rz @ ry @ rx).T
    neck = clip.coefficients.neck[40]
    np.testing.assert_allclose(neck[:3, :3] @ point, turned, atol=1e-5)
    np.testing.assert_allclose(neck[:3, 3], 0.1 * rows[40, 254:257], atol=1e-6)
    np.testing.assert_allclose(clip.coefficients.expression, rows[:, 80:144], atol=1e-6)
    # Its camera looks along -z from 10 dm: nearer to it (z up) is nearer to ours (z down).
    world = clip.coefficients.head_to_world[40] @ np.append(0.1 * point, 1)
    row = turned + rows[40, 254:257]
    np.testing.assert_allclose(world[:3], 0.1 * np.array([row[0], -row[1], 10 - row[2]]), atol=1e-5)


def test_a_mat_has_30_fps_and_keeps_its_length_in_seconds(tmp_path):
    write_mat(tmp_path / "a.mat", 90)
    (clip,), _ = prepare(tmp_path / "a.mat", tmp_path / "out", split="none")
    assert len(clip) == 75


def test_fps_given_goes_before_what_the_file_says(tmp_path):
    write_npz(tmp_path / "a.npz", 60, fps=60.0)
    lengths = [
        len(prepare(tmp_path / "a.npz", tmp_path / f"out{fps}", split="none", fps=fps)[0][0]) for fps in (0.0, 30.0)
    ]
    assert lengths == [25, 50]


def test_a_turn_is_resampled_the_short_way_round(tmp_path):
    angle = np.linspace(3.0, 3.3, 60)  # through half a turn, where axis-angle vectors flip
    rotation = Rotation.from_rotvec(angle[:, None] * [0, 1, 0]).as_rotvec()
    write_npz(tmp_path / "a.npz", 60, fps=30.0, rotation=rotation)
    (clip,), _ = prepare(tmp_path / "a.npz", tmp_path / "out", split="none")
    neck = Rotation.from_matrix(clip.coefficients.neck[:, :3, :3])
    steps = (neck[1:] * neck[:-1].inv()).as_rotvec()[3:-3]
    np.testing.assert_allclose(steps, np.tile([0, 0.3 / 59 * 1.2, 0], (len(steps), 1)), atol=3e-4)


def test_sound_lies_beside_and_must_be_there_where_it_is_asked_for(tmp_path):
    data = tmp_path / "in"
    data.mkdir()
    for name in ("a", "b", "c", "d"):
        write_npz(data / f"{name}.npz", 50)
    (data / "d.wav").write_bytes(b"junk")
    write_wav(data / "a.wav", 2.2, 44_100)
    write_wav(data / "c.wav", 4.0)
    clips, notes = prepare(data, tmp_path / "out", split="none", sound=True)
    assert [clip.name for clip in clips] == ["a"]
    assert clips[0].has_sound
    assert len(clips[0].audio) == 32_000
    t = np.arange(4000, 28_000) / 16_000
    np.testing.assert_allclose(clips[0].audio[4000:28_000], 0.5 * np.sin(2 * np.pi * 440 * t), atol=0.02)
    assert "there is no b.wav beside it" in notes[0]
    assert "4.00 s of sound beside 2.00 s of motion" in notes[1]
    assert "d.wav: it cannot be read" in notes[2]
    silent, _ = prepare(data, tmp_path / "silent", split="none")
    assert not any(clip.has_sound for clip in silent)
    assert len(silent) == 4


def test_the_component_says_whether_there_is_sound():
    assert (Sequences().FRAMES, Sequences().SOUND, Sequences(sound=True).SOUND) == (False, False, True)


# What is refused or left out


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"expression": None}, "no array 'expression', only fps, jaw"),
        ({"expression": np.zeros(50)}, r"'expression' is float64 \(50,\), expected numbers \(frames,at least 1\)"),
        ({"expression": np.zeros((50, 0))}, "'expression' is float64"),
        (
            dict.fromkeys(("jaw", "lids", "rotation", "translation")) | {"expression": np.zeros((0, 6))},
            "0 frames at 25",
        ),
        ({"jaw": np.zeros((50, 4))}, r"'jaw' is float64 \(50, 4\), expected numbers \(frames,3\)"),
        ({"lids": np.zeros((49, 2))}, "'lids' has 49 frames, 'expression' has 50"),
        ({"lids": np.full((50, 2), 1.5)}, "'lids' lies between 1.5 and 1.5"),
        ({"rotation": np.full((50, 3), np.nan)}, "'rotation' holds a value that is no number in 50 of 50 .* frame 0"),
        ({"translation": np.array([["a"] * 3] * 50)}, "'translation' is <U1"),
        ({"expression": np.array([{}] * 50)}, "it cannot be read"),
        ({"fps": None}, "it has no array 'fps'; give its frame rate by sequences.fps="),
        ({"fps": 0.0}, "'fps' is 0.0, expected one number over 0"),
        ({"fps": 5000.0}, "5000 frames a second is not between 5 and 1000"),
        ({"fps": 200.0}, "50 frames at 200 fps are 0.25 s; at least 0.4 s are needed"),
    ],
)
def test_an_npz_that_is_no_use_says_why_in_one_line(tmp_path, more, wrong):
    write_npz(tmp_path / "a.npz", **more)
    with pytest.raises(UserError, match=wrong) as error:
        prepare(tmp_path / "a.npz", tmp_path / "out")
    assert str(tmp_path / "a.npz") in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content"), [("a.npz", b""), ("a.npz", b"PK\3\4junk"), ("a.mat", b""), ("a.mat", b"x" * 999)]
)
def test_a_broken_file_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f"{name}: it cannot be read") as error:
        prepare(tmp_path / name, tmp_path / "out")
    assert "\n" not in str(error.value)


def test_a_cut_off_file_is_named(tmp_path):
    write_mat(tmp_path / "a.mat")
    (tmp_path / "a.mat").write_bytes((tmp_path / "a.mat").read_bytes()[:40_000])
    with pytest.raises(UserError, match=r"a\.mat: it cannot be read"):
        prepare(tmp_path / "a.mat", tmp_path / "out")


def test_a_mat_of_another_kind_is_named(tmp_path):
    savemat(tmp_path / "a.mat", {"other": np.zeros((50, 257))})
    with pytest.raises(UserError, match=r"a\.mat: it has no array 'coeff'"):
        prepare(tmp_path / "a.mat", tmp_path / "out")
    write_mat(tmp_path / "a.mat", width=100)
    with pytest.raises(UserError, match=r"'coeff' is float32 \(90, 100\), expected numbers \(frames,257\)"):
        prepare(tmp_path / "a.mat", tmp_path / "out")


def test_broken_files_are_left_out_and_do_not_lose_the_others(many, tmp_path):
    (many / "talk0_clip9.npz").write_bytes(b"junk")
    write_npz(many / "talk1_clip9.npz", 9)
    clips, notes = prepare(many, tmp_path / "out")
    assert len(clips) == 30
    assert [note.split(": ")[1].split("/")[-1] for note in notes] == ["talk0_clip9.npz", "talk1_clip9.npz"]
    assert "9 frames at 25 fps are 0.36 s" in notes[1]


def test_the_odd_width_out_is_named(many, tmp_path):
    write_npz(many / "odd.npz", width=50)
    with pytest.raises(
        UserError, match=r"6 values a frame in 30 of 31 files, but odd\.npz has 50; .* folders of their own"
    ):
        prepare(many, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_place_without_sequences_is_refused(tmp_path):
    source = Sequences().build()
    (tmp_path / "notes.txt").write_text("")
    for data, wrong in (
        (None, "needs data=FOLDER"),
        (tmp_path / "absent", "data=.*absent: there is no such file or folder"),
        (tmp_path, r"no coefficient file \(.npz, .mat\) in this folder"),
        (tmp_path / "notes.txt", "no coefficient file, those end in .npz or .mat"),
    ):
        with pytest.raises(UserError, match=wrong):
            source.fingerprint(data)


def test_prepare_and_doctor_are_told_that_there_are_no_videos(tmp_path):
    with pytest.raises(UserError, match="a sweep takes coefficient files as they are"):
        Sequences().build().index(tmp_path)


def test_prepared_clips_are_pointed_to_the_data_set_that_reads_them(many, tmp_path):
    prepare(many, tmp_path / "out")
    with pytest.raises(UserError, match="holds prepared clips; take them with dataset=folder"):
        Sequences().build().fingerprint(tmp_path / "out")


@pytest.mark.parametrize(
    "options",
    [{"fps": -1.0}, {"fps": float("nan")}, {"test_share": 0.0}, {"test_share": 0.6, "val_share": 0.5},
     {"names": "{who}_*"}, {"names": "*"}, {"names": "{style}{style}"}],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Sequences(**options)


# Names and sides


@pytest.mark.parametrize(
    ("file", "recording"),
    [
        ("style_clips__furious_talk2_clip7.mat", "style_clips__furious_talk2"),
        ("source_video__andrew_clip_1.mat", "source_video__andrew"),
        ("source_video__feifeili_clip2_short.mat", "source_video__feifeili"),
        ("source_video__KristiNoem.mat", "source_video__KristiNoem"),
        ("M003-012.npz", "M003"),
        ("007.npz", "007"),
        ("take2.npz", "take2"),
        ("Ann/talk_01.npz", "Ann/talk"),
    ],
)
def test_the_recording_is_the_name_less_what_counts_its_parts(file, recording):
    told = named(PurePath(file), "")
    assert (told.speaker, told.style, told.recording) == (recording, "", recording)


def test_a_pattern_tells_speaker_style_and_recording():
    told = named(PurePath("Ann_happy_03.npz"), "{speaker}_{style}_{recording}")
    assert (told.speaker, told.style, told.recording) == ("Ann", "happy", "Ann/03")
    assert named(PurePath("x+Ann_03.npz"), "*+{speaker}_*").speaker == "Ann"
    assert named(PurePath("talk_03.npz"), "{recording}*").recording == "t"  # the shortest that fits
    with pytest.raises(UserError, match=r"talk\.npz: its name does not follow sequences\.names=\{speaker\}_\*"):
        named(PurePath("talk.npz"), "{speaker}_*")


def test_a_pattern_labels_the_clips(many, tmp_path):
    clips, _ = prepare(many, tmp_path / "out", names="{speaker}_{style}")
    assert {clip.labels.speaker for clip in clips} == {f"talk{i}" for i in range(12)}
    assert {clip.labels.style for clip in clips} == {"clip0", "clip1", "clip2"}


@given(
    frames=st.dictionaries(st.text("abcdef", min_size=1), st.integers(10, 3000), min_size=3, max_size=40),
    test=st.floats(0.05, 0.5), val=st.floats(0.05, 0.4), seed=st.integers(0, 9),
)  # fmt: skip
def test_every_side_gets_something_and_none_is_on_two(frames, test, val, seed):
    side = sides(frames, test, val, seed)
    assert side.keys() == frames.keys()
    assert set(side.values()) == {"train", "val", "test"}
    assert side == sides(dict(reversed(frames.items())), test, val, seed)


@given(n=st.integers(40, 100), seed=st.integers(0, 9))
def test_with_many_alike_recordings_the_shares_are_met(n, seed):
    side = list(sides({str(i): 100 + i for i in range(n)}, 0.2, 0.1, seed).values())
    assert side.count("test") / n == pytest.approx(0.2, abs=0.06)
    assert side.count("val") / n == pytest.approx(0.1, abs=0.06)


def test_too_few_recordings_to_hold_one_out_are_named(tmp_path):
    data = tmp_path / "in"
    data.mkdir()
    write_npz(data / "talk_1.npz")
    write_npz(data / "talk_2.npz", 60)
    with pytest.raises(UserError, match=r"recordings, 1 in all \(talk\): too few .* sequences\.split=none"):
        prepare(data, tmp_path / "out")


@pytest.mark.parametrize("split", ["own", "auto"])
def test_whole_recordings_are_held_out(many, tmp_path, split):
    clips, _ = prepare(many, tmp_path / "out")
    parts = make_split(clips, split)
    tested, learnt = ({c.labels.source for c in part} for part in (parts.test, parts.train))
    assert not tested & learnt
    assert len(tested | learnt) == 12
    assert len(parts.test) + len(parts.train) == 30
    assert 0.1 < sum(map(len, parts.test)) / sum(map(len, clips)) < 0.3


def test_speakers_are_held_out_where_that_is_asked_for(tmp_path):
    data = tmp_path / "in"
    data.mkdir()
    for i in range(12):
        write_npz(data / f"s{i % 4}-r{i // 4}.npz", 50 + i)
    pattern = "{speaker}-{recording}"
    clips, _ = prepare(data, tmp_path / "out", names=pattern, split="speakers", test_share=0.3)
    parts = make_split(clips, "own")
    assert not {c.labels.speaker for c in parts.test} & {c.labels.speaker for c in parts.train}
    assert len({c.labels.source for c in clips}) == 12


def test_without_sides_the_runs_rule_cuts_each_file_by_time(tmp_path):
    data = tmp_path / "in"
    data.mkdir()
    for name in ("talk_1", "talk_2"):
        write_npz(data / f"{name}.npz", 500)
    clips, _ = prepare(data, tmp_path / "out", split="none")
    parts = make_split(clips, "auto")
    assert (
        {c.labels.source for c in parts.test} == {c.labels.source for c in parts.train} == {"talk_1.npz", "talk_2.npz"}
    )


def test_the_same_files_elsewhere_give_the_same_print_and_bytes_and_others_do_not(many, tmp_path):
    source = Sequences().build()
    first = source.fingerprint(many)
    moved = many.rename(tmp_path / "moved")
    assert source.fingerprint(moved) == first
    write_npz(moved / "talk3_clip0.npz", 41)
    assert source.fingerprint(moved) != first
    outs = [tmp_path / "one", tmp_path / "two"]
    for out in outs:
        prepare(moved, out)
    for path in outs[0].rglob("*.*"):
        if path.is_file():
            assert path.read_bytes() == (outs[1] / path.relative_to(outs[0])).read_bytes()


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data/motion is not there")
@pytest.mark.parametrize("split", ["own", "auto"])
def test_the_shared_motions_are_split_by_recording(tmp_path, split):
    clips, notes = prepare(SHARED, tmp_path)
    assert notes == []
    assert len(clips) == 32
    assert {clip.coefficients.expression.shape[1] for clip in clips} == {64}
    by_name = {clip.name: clip for clip in clips}
    assert len(by_name["source_video__KristiNoem"]) == 450  # 540 frames at 30 fps
    furious = [clip for clip in clips if "furious_talk2" in clip.name]
    assert len(furious) == 7
    assert {clip.labels.source for clip in furious} == {"style_clips__furious_talk2"}
    parts = make_split(clips, split)
    assert not {c.labels.source for c in parts.test} & {c.labels.source for c in parts.train}
    assert 0.15 < sum(map(len, parts.test)) / sum(map(len, clips)) < 0.25
    for clip in clips:
        pose = pack_pose(clip.coefficients.head_to_world, clip.coefficients.root)
        assert np.abs(pose[:, :3]).max() < 1.2  # rad
        assert np.abs(pose[:, 3:]).max() < 0.15  # m


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data/motion is not there")
def test_short_shared_motions_cannot_be_cut_by_time_and_are_named(tmp_path):
    clips, _ = prepare(SHARED, tmp_path, split="none")
    with pytest.raises(UserError, match=r"too short for split 'blocks', .*'style_clips__trump_clip1' 8.0 s"):
        make_split(clips, "auto")
