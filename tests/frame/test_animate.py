"""`python -m erlnet animate` on a run trained here in seconds: what it writes, what it refuses."""

import json
import os
import shutil
import subprocess
import sys
import wave

import av
import numpy as np
import pytest

from erlnet.__main__ import main
from erlnet.data.clip import open_clip
from erlnet.data.sequence_files import read_motion
from erlnet.data.video import read_audio
from erlnet.head.streams import pack_pose
from erlnet.runs.animation_made import make
from erlnet.runs.drive_stages import Generator
from erlnet.runs.driving_sound import Sound
from erlnet.runs.driving_styles import Asked
from erlnet.runs.motion_stages import tensors_of
from erlnet.runs.trained_run import find_run

TRAIN = (
    "dataset=bank preset=smoke threads=1 bank.speakers=2 bank.train_clips=1 bank.test_clips=1 bank.judge_speakers=0 "
    "bank.seconds=1 --driving audio --metrics codebook --out runs"
)
TEST_CLIP = "bank01-happy-test00"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("animate")
    ran = subprocess.run([sys.executable, "-m", "erlnet.ablate", *TRAIN.split()], capture_output=True, text=True,
                         cwd=folder, env=os.environ | {"ERLNET_ASSETS": str(folder / "no-assets")})  # fmt: skip
    results = list((folder / "runs/results").iterdir())
    assert len(results) == 1, ran.stderr
    assert json.loads((results[0] / "result.json").read_text())["status"] == "done", ran.stderr
    return folder / "runs"


@pytest.fixture(scope="module")
def animated(trained, tmp_path_factory):
    """Two styles over a test clip of the run."""
    out = tmp_path_factory.mktemp("animated")
    words = ["animate", str(trained), "--audio", TEST_CLIP, "--style", "angry,happy", "--out", str(out)]
    assert main(words) == 0
    return out


def prepared(run):
    (stage,) = (run / "stages/prepare").iterdir()
    return stage


def write_wav(path, samples, rate=16000):
    """`samples` (N,) or (N,channels) float."""
    samples = np.atleast_2d(samples.T).T
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def test_the_film_has_every_frame_the_sound_and_a_tag_that_says_synthetic(animated, trained):
    clip = open_clip(prepared(trained) / TEST_CLIP)
    with av.open(str(animated / "animation.mp4")) as film:
        assert "synthetic" in film.metadata["comment"].lower()
        assert (film.streams.video[0].codec.name, film.streams.audio[0].codec.name) == ("h264", "aac")
        assert film.streams.video[0].average_rate == 25
        pictures = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(pictures) == len(clip) == 25
    assert pictures[0].shape[1] == 3 * 320  # angry, happy and the truth
    heads = [np.stack(pictures)[:, 60:320, i * 320 : (i + 1) * 320] for i in range(3)]
    assert all(np.abs(np.diff(head.astype(int), axis=0)).max() > 20 for head in heads)  # they move
    heard = read_audio(animated / "animation.mp4", 0.0, len(clip))
    assert np.corrcoef(heard, clip.audio)[0, 1] > 0.95


def test_the_motion_reads_as_a_coefficient_sequence_of_ones_own(animated, trained):
    clip = open_clip(prepared(trained) / TEST_CLIP)
    for style in ("angry", "happy"):
        with np.load(animated / f"motion-{style}.npz") as archive:
            arrays = dict(archive)
        widths = {"expression": 39, "jaw": 3, "lids": 2, "rotation": 3, "translation": 3, "shape": None}
        assert {name: arrays[name].dtype for name in widths} == dict.fromkeys(widths, np.dtype(np.float32))
        assert all(arrays[name].shape == (len(clip), width) for name, width in widths.items() if width)
        assert (float(arrays["fps"]), str(arrays["style"])) == (25.0, style)
        read = read_motion(animated / f"motion-{style}.npz", 0.0).coefficients
        np.testing.assert_allclose(read.expression, arrays["expression"], atol=1e-6)
        np.testing.assert_allclose(pack_pose(read.head_to_world, read.root)[:, :3], arrays["rotation"], atol=1e-5)


def test_the_curves_name_every_style_and_the_truth(animated):
    text = (animated / "curves.svg").read_text()
    for label in ("angry", "happy", "truth (happy)", "sound", "mouth opening of the mesh", "brow units: down"):
        assert f">{label}" in text
    assert "prefers-color-scheme:dark" in text
    assert text.count("<polyline") == 3 + 3 * 8  # the legend, and eight panels


def test_the_record_holds_what_was_printed(animated):
    told = json.loads((animated / "animation.json").read_text())
    assert told["synthetic"] is True
    assert (told["seconds"], told["frames"], told["motions"]) == (1.0, 25, ["motion-angry.npz", "motion-happy.npz"])
    assert told["generated_times_real_time"] > 0
    assert all(row["speaker"] == "bank01" for row in told["styles"])  # the speaker of the sound, unless one is named
    assert all(-1 <= row["mouth_r"] <= 1 for row in told["styles"])


def test_issued_again_it_writes_the_same_and_leaves_no_motion_of_before(animated, trained, tmp_path, capsys):
    out = tmp_path / "out"
    shutil.copytree(animated, out)
    (out / "motion-mine.npz").write_text("not of this command")
    words = ["animate", str(trained), "--audio", TEST_CLIP, "--style", "angry", "--out", str(out)]
    assert main(words) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "animation.json", "animation.mp4", "curves.svg", "motion-mine.npz", "motion.npz",
    ]  # fmt: skip
    assert (out / "motion.npz").read_bytes() == (animated / "motion-angry.npz").read_bytes()
    assert capsys.readouterr().out.splitlines()[-1] == str(out / "animation.mp4")


def test_a_style_is_its_speakers_first_training_clip(trained, tmp_path):
    sound = str(write_wav(tmp_path / "tone.wav", 0.3 * np.sin(np.arange(8000) / 9)))
    clip = prepared(trained) / "bank01-angry-train00"
    words = ["animate", str(trained), "--audio", sound, "--out"]
    assert main([*words, str(tmp_path / "a"), "--style", "angry", "--speaker", "bank01"]) == 0
    assert main([*words, str(tmp_path / "b"), "--style", str(clip)]) == 0
    assert main([*words, str(tmp_path / "c"), "--style", "angry"]) == 0
    a, b, c = ({k: v for k, v in np.load(tmp_path / x / "motion.npz").items() if k != "style"} for x in "abc")
    assert all(np.array_equal(a[name], b[name]) for name in a)
    assert str(c["speaker"]) == "bank00"
    assert not np.array_equal(a["expression"], c["expression"])
    assert len(a["jaw"]) == 13  # half a second: whole frames that hold all of the sound
    assert "mouth_r" not in json.loads((tmp_path / "a/animation.json").read_text())["styles"][0]  # no truth is known


def test_a_sweep_of_one_mapper_is_taken_as_it_is_and_several_mappers_must_be_told_apart(trained, tmp_path, capsys):
    runs = tmp_path / "runs"
    shutil.copytree(trained, runs)
    (result,) = (runs / "results").iterdir()
    shutil.copytree(result, runs / "results/another-s1")
    words = ["--audio", TEST_CLIP, "--style", "angry", "--out", str(tmp_path / "out")]
    assert main(["animate", str(runs), *words]) == 0
    (mapper,) = (runs / "stages/motion").iterdir()
    shutil.copytree(mapper, runs / "stages/motion/other")
    told = (runs / "results/another-s1/result.json").read_text()
    (runs / "results/another-s1/result.json").write_text(told.replace(f"motion/{mapper.name}", "motion/other"))
    capsys.readouterr()
    assert main(["animate", str(runs), *words]) == 2
    told = capsys.readouterr().err
    assert "its results have different mappers" in told
    assert f"results/{result.name} (default, seed 0)" in told
    assert main(["animate", str(runs / "results/another-s1"), *words]) == 0


def test_a_mapper_of_another_version_of_a_component_is_refused(trained, tmp_path, capsys):
    runs = tmp_path / "runs"
    shutil.copytree(trained, runs)
    (description,) = (runs / "stages/motion").glob("*/config.json")
    told = json.loads(description.read_text())
    told["config"]["style"]["version"] = 99
    description.write_text(json.dumps(told))
    words = ["--audio", TEST_CLIP, "--style", "angry", "--out", str(tmp_path / "out")]
    assert main(["animate", str(runs), *words]) == 2
    assert "was made with version 99 of style=transformer" in capsys.readouterr().err


@pytest.fixture(scope="module")
def wrong_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrong")
    write_wav(folder / "short.wav", np.zeros(5000))
    (folder / "text.wav").write_text("this is no sound")
    (folder / "empty.wav").write_text("")
    with av.open(str(folder / "mute.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        for _ in range(20):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    return folder


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"run": "absent"}, "there is no such folder"),
        ({"run": "."}, "holds no result of a run"),
        ({"--audio": "absent.wav"}, "there is no such file, and no test clip of the run has this name"),
        ({"--audio": "bank01-happy-test0"}, f"did you mean '{TEST_CLIP}'"),
        ({"--audio": "short.wav"}, "is 0.32 s long; at least 0.4 s are needed"),
        ({"--audio": "text.wav"}, "neither as sound nor as video"),
        ({"--audio": "empty.wav"}, "neither as sound nor as video"),
        ({"--audio": "mute.mp4"}, "it holds no sound"),
        ({"--style": "angri"}, "did you mean 'angry'"),
        ({"--style": ","}, "names no style"),
        ({"--speaker": "nobody"}, "no training clip of the run is theirs"),
        ({"--style": "mute.mp4"}, "python -m erlnet assets fetch landmarks"),
        ({"--out": "short.wav"}, "cannot be written"),
    ],
)
def test_wrong_words_are_told_in_one_line(trained, wrong_files, changed, says, monkeypatch, capsys):
    monkeypatch.chdir(wrong_files)
    monkeypatch.setenv("ERLNET_ASSETS", str(wrong_files / "no-assets"))
    words = {"run": str(trained), "--audio": TEST_CLIP, "--style": "angry", "--out": "out"} | changed
    run = words.pop("run")
    assert main(["animate", run, *(part for pair in words.items() for part in pair)]) == 2
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert told.startswith("erlnet: ")
    assert says in told
    assert not list((wrong_files / "out").glob("*"))


def test_a_run_that_was_only_tracked_is_refused_with_what_to_do(trained, tmp_path, capsys):
    result = tmp_path / "results/tracked-s0"
    result.mkdir(parents=True)
    (result / "result.json").write_text(json.dumps({"status": "done", "error": None, "stages": {"prepare/1": "x"}}))
    words = ["--audio", TEST_CLIP, "--style", "angry", "--out", str(tmp_path / "out")]
    assert main(["animate", str(tmp_path), *words]) == 2
    told = capsys.readouterr().err
    assert "no trained mapper" in told
    assert "python -m erlnet.ablate dataset=bank" in told


def test_silence_is_animated_and_said(trained, tmp_path, capsys):
    sound = write_wav(tmp_path / "silence.wav", np.zeros(16000))
    out = tmp_path / "out"
    assert main(["animate", str(trained), "--audio", str(sound), "--style", "neutral", "--out", str(out)]) == 0
    assert "is silent" in capsys.readouterr().err
    with np.load(out / "motion.npz") as archive:
        assert np.isfinite(archive["expression"]).all()


def test_a_style_clip_of_another_head_model_is_refused(trained, tmp_path, capsys):
    clip = tmp_path / "other"
    shutil.copytree(prepared(trained) / "bank00-angry-train00", clip)
    with np.load(clip / "coefficients.npz") as archive:
        arrays = dict(archive)
    np.savez(clip / "coefficients.npz", **arrays | {"expression": arrays["expression"][:, :30]})
    words = ["--audio", TEST_CLIP, "--style", str(clip), "--out", str(tmp_path / "out")]
    assert main(["animate", str(trained), *words]) == 2
    assert "its 30 expression and 56 shape coefficients do not fit" in capsys.readouterr().err


def test_a_part_of_a_clip_moves_as_in_the_report_with_the_sound_around_it(trained):
    run = find_run(trained)
    part = run.split.test[0].cut(5, 20, "part")
    style = run.split.train[0]
    (made,), _ = make(run, Sound("part", part.audio, len(part), part), [Asked("any", style)])
    expression, pose = Generator(run.inputs)(part, tensors_of(style))
    assert np.array_equal(made.motion.pose, pose.numpy())
    assert np.array_equal(made.motion.expression, expression.numpy()[:, :-5])
