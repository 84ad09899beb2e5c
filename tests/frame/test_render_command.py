"""`python -m erlnet render` on runs trained here in seconds: what it writes, what it refuses, what stays."""

import csv
import errno
import json
import os
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from erlnet.__main__ import main
from erlnet.adf.generate import generate
from erlnet.data.clip import open_clip
from erlnet.data.video import read_audio
from erlnet.head.streams import unpack_pose
from erlnet.interfaces import REGIONS
from erlnet.runs.driving_sound import read_sound
from erlnet.runs.render_person import open_person
from erlnet.runs.render_show import coefficients_show
from erlnet.runs.trained_run import MAPPER, RENDERER, find_run

SMALL = "preset=smoke threads=1 demo.test_clips=1 demo.test_seconds=0.6 --metrics ssim --out runs"
TEST_CLIP = "test-00-neutral"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Variant -> OUT/results/NAME: two renderers of one mapper, and one that sound drives."""
    folder = tmp_path_factory.mktemp("render")
    for words in ("fusion=pixel,feature --driving tracked,audio", "conditioning=direct"):
        ran = subprocess.run([sys.executable, "-m", "erlnet.ablate", *words.split(), *SMALL.split()],
                             capture_output=True, text=True, cwd=folder,
                             env=os.environ | {"ERLNET_ASSETS": str(folder / "no-assets")})  # fmt: skip
        assert ran.returncode == 0, ran.stderr
    found = {}
    for result in (folder / "runs/results").iterdir():
        assert json.loads((result / "result.json").read_text())["status"] == "done"
        found[variant_of(result)] = result
    assert set(found) == {"pixel", "feature", "direct"}
    return found


def variant_of(result):
    config = find_run(result, RENDERER).config
    return "direct" if config["conditioning"]["name"] == "direct" else config["fusion"]["name"]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Half a second of a tone that swells."""
    path = tmp_path_factory.mktemp("sound") / "tone.wav"
    samples = 0.3 * np.sin(np.arange(8000) / 9) * np.sin(np.arange(8000) / 900)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture(autouse=True, scope="module")
def no_assets(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ERLNET_ASSETS", str(tmp_path_factory.mktemp("assets")))
        yield


def call(run, out, **words):
    flags = [x for name, word in words.items() for x in ([f"--{name}"] if word is True else [f"--{name}", str(word)])]
    return main(["render", str(run), *flags, "--out", str(out)])


def pictures(folder):
    return np.stack([np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))])


def film(path):
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def reported(run, mode):
    """The frames that the sweep itself rendered of the test clip."""
    out = run.parents[1]
    for name in json.loads((run / "result.json").read_text())["stages"]:
        if name.startswith("render/"):
            stage = out / "stages" / name
            if json.loads((stage / "config.json").read_text())["config"]["driving"] == mode:
                return pictures(stage / "frames" / TEST_CLIP)
    raise AssertionError(mode)


def clip_folder(run):
    return find_run(run, RENDERER).inputs["prepare"] / TEST_CLIP


@pytest.fixture(scope="module")
def tracked(trained, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "tracked"
    assert call(trained["feature"], out, coefficients=TEST_CLIP) == 0
    return out


def test_tracked_coefficients_give_the_frames_of_the_report(trained, tracked):
    assert np.array_equal(pictures(tracked / "frames"), reported(trained["feature"], "tracked"))


def test_everything_of_the_second_experiment_is_there(tracked):
    n = len(pictures(tracked / "frames"))
    assert n >= 12  # six moments and more
    shapes = {"frames": 64, "neck": 384, "opacity_head": 64, "opacity_torso": 64, "depth": 64}
    for name, size in shapes.items():
        assert pictures(tracked / name).shape == (n, size, size, 3)
    told = json.loads((tracked / "render.json").read_text())
    assert (told["synthetic"], told["frames"]) == (True, n)
    assert 0.3 < told["depth"]["near_m"] < told["depth"]["far_m"] < 3
    left, top, right, bottom = told["neck_box"]
    square = Image.open(tracked / "frames/00003.png").crop((left, top, right, bottom))
    grown = np.asarray(square.resize((384, 384), Image.Resampling.BICUBIC))
    assert np.array_equal(grown, pictures(tracked / "neck")[3])
    assert Image.open(tracked / "sheet.png").size == (64 + 7 * 228, 30 + 6 * 228 + 26)
    beside = film(tracked / "side_by_side.mp4")
    assert beside.shape == (n, 384 + 34 + 96, 2 * 384, 3)
    assert film(tracked / "video.mp4").shape == (n, 64, 64, 3)
    assert sorted(path.name for path in tracked.parent.iterdir()) == ["tracked"]  # no scratch is left


def test_the_opacity_of_the_head_is_where_the_head_is(trained, tracked):
    clip = open_clip(clip_folder(trained["feature"]))
    face = clip.regions() & (1 << REGIONS.index("face")) != 0
    background = clip.regions() & (1 << REGIONS.index("background")) != 0
    head = pictures(tracked / "opacity_head")[..., 0] / 255
    assert head[face].mean() > head[background].mean() + 0.3


def test_scores_are_those_of_the_frames_by_hand(trained, tracked):
    clip = open_clip(clip_folder(trained["feature"]))
    truth, made = clip.frames().astype(float) / 255, pictures(tracked / "frames").transpose(0, 3, 1, 2) / 255
    error = ((truth - made) ** 2).mean(1)
    neck = clip.regions() & (1 << REGIONS.index("neck")) != 0
    by_hand = {"frame": -10 * np.log10(error.mean((1, 2)))}
    by_hand["neck"] = np.array([-10 * np.log10(error[t][neck[t]].mean()) for t in range(len(clip))])
    with open(tracked / "scores.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "psnr"]
    told = json.loads((tracked / "scores.json").read_text())
    for region, values in by_hand.items():
        found = [float(row["value"]) for row in rows if row["region"] == region]
        np.testing.assert_allclose(found, values, atol=1e-3)
        assert told["means"]["erlnet"]["psnr"][region] == pytest.approx(values.mean(), abs=1e-3)
    assert {row["row"] for row in rows} == {"erlnet"}
    assert "assets fetch lpips" in told["left_out"]["lpips"]  # told, not guessed


def test_a_clip_end_to_end_gives_the_frames_of_the_report(trained, tmp_path):
    for variant in ("pixel", "direct"):
        assert call(trained[variant], tmp_path / variant, clip=TEST_CLIP) == 0
        assert np.array_equal(pictures(tmp_path / variant / "frames"), reported(trained[variant], "audio"))
        assert "psnr" in json.loads((tmp_path / variant / "scores.json").read_text())["means"]["erlnet"]


def test_new_sound_moves_head_and_face_as_generated_on_the_speakers_torso(trained, sound, tmp_path):
    run = trained["feature"]
    assert call(run, tmp_path / "out", audio=sound, style="happy") == 0
    person, mapper = open_person(find_run(run, RENDERER), None, None), find_run(run, MAPPER)
    style = next(clip for clip in mapper.split.train if clip.labels.style == "happy")
    # The same by the parts of stage one alone.
    from erlnet.runs.drive_stages import Generator, seed_of
    from erlnet.runs.motion_stages import tensors_of

    heard = read_sound(sound)
    features = mapper.component("features", "audio").build()(heard.samples, heard.n_frames)
    generator = Generator(mapper.inputs)
    expression, pose = generate(
        generator.mapper, generator.codec, torch.from_numpy(features), *tensors_of(style), seed=seed_of("tone")
    )
    root = mapper.split.train[0].coefficients.root
    poses = torch.from_numpy(unpack_pose(pose.numpy(), root))
    frames = person.model.frames(expression, poses, torch.from_numpy(root)).cpu().numpy()
    assert np.array_equal(pictures(tmp_path / "out/frames"), frames.transpose(0, 2, 3, 1))
    told = json.loads((tmp_path / "out/render.json").read_text())
    assert "no recording" in told["no_scores"]
    assert not (tmp_path / "out/scores.csv").exists()
    assert not (tmp_path / "out/side_by_side.mp4").exists()


def test_the_film_has_every_frame_the_sound_and_a_tag_and_is_the_same_again(trained, sound, tmp_path, capsys):
    out = tmp_path / "deep/film.mp4"
    assert call(trained["feature"], out, audio=sound, style="happy") == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    with av.open(str(out)) as container:
        assert "synthetic" in container.metadata["comment"].lower()
        assert container.streams.video[0].average_rate == 25
    plain = film(out)
    assert plain.shape == (13, 64, 64, 3)
    heard = read_audio(out, 0.0, 12)
    assert np.corrcoef(heard, read_audio(sound, 0.0, 12))[0, 1] > 0.95
    first = out.read_bytes()
    assert call(trained["feature"], out, audio=sound, style="happy") == 0
    assert out.read_bytes() == first
    assert call(trained["feature"], out, audio=sound, style="happy", watermark=True) == 0
    marked = film(out).astype(int)
    assert (marked[:, -13:] > 180).any((1, 2, 3)).all()
    assert np.abs(marked[:, :-16] - plain[:, :-16]).mean() < 4  # the rest is the same but for the encoder
    assert [path.name for path in out.parent.iterdir()] == ["film.mp4"]


def test_a_pose_track_moves_the_head_and_goes_to_and_fro(trained, sound, tmp_path, capsys):
    run, direct = trained["feature"], trained["direct"]
    np.savez(tmp_path / "turn.npz", rotation=np.deg2rad([[0, 0, 0], [0, 4, 0], [0, 8, 0]]))
    assert call(run, tmp_path / "a", audio=sound, style="happy", pose=tmp_path / "turn.npz") == 0
    assert "is shorter than the sound; it is played to and fro" in capsys.readouterr().err
    opacity = pictures(tmp_path / "a/opacity_head").astype(int)
    assert np.abs(opacity[0] - opacity[4]).max() <= 3  # frame 4 is frame 0 again, but for what is said
    assert np.abs(opacity[0] - opacity[2]).max() > 30
    assert call(direct, tmp_path / "b", audio=sound, pose=clip_folder(direct)) == 0
    assert len(pictures(tmp_path / "b/frames")) == 13


def test_the_sound_and_pose_of_one_clip_are_that_clip_end_to_end(trained, tmp_path):
    run = trained["feature"]
    assert call(run, tmp_path / "a", audio=TEST_CLIP, style="neutral", pose=TEST_CLIP) == 0
    assert call(run, tmp_path / "b", clip=TEST_CLIP) == 0
    assert np.array_equal(pictures(tmp_path / "a/frames"), pictures(tmp_path / "b/frames"))
    assert (tmp_path / "a/scores.json").read_bytes() == (tmp_path / "b/scores.json").read_bytes()
    assert call(run, tmp_path / "c", audio=TEST_CLIP, style="neutral") == 0
    assert (tmp_path / "c/side_by_side.mp4").exists()  # under a pose of its own: seen beside, not scored
    assert "use --clip" in json.loads((tmp_path / "c/render.json").read_text())["no_scores"]
    assert not (tmp_path / "c/scores.csv").exists()


def test_a_clip_of_somebody_elsewhere_moves_the_head_against_the_torso_as_theirs_moved(trained, tracked, tmp_path):
    own = clip_folder(trained["feature"])
    theirs = tmp_path / "theirs"
    shutil.copytree(own, theirs)
    text = json.loads((own / "clip.json").read_text())
    text["labels"]["speaker"], text["camera"]["fx"] = "somebody", 2 * text["camera"]["fx"]
    (theirs / "clip.json").write_text(json.dumps(text))
    with np.load(own / "coefficients.npz") as archive:
        arrays = dict(archive)
    move = np.eye(4)
    move[:3, 3] = 0.3, -0.2, 1.5
    arrays |= {name: move @ arrays[name] for name in ("head_to_world", "root")}
    np.savez(theirs / "coefficients.npz", **arrays)
    person = open_person(find_run(trained["feature"], RENDERER), None, None)
    path = coefficients_show(person, str(theirs)).path
    with np.load(own / "coefficients.npz") as archive:
        neck = np.linalg.inv(archive["root"]) @ archive["head_to_world"]
    np.testing.assert_allclose(path.head_to_world, person.root @ neck, atol=1e-5)
    assert (path.root == person.root).all()
    assert call(trained["feature"], tmp_path / "out", coefficients=theirs) == 0
    assert not (tmp_path / "out/scores.csv").exists()  # nobody filmed this person so


def test_a_camera_path_shows_other_sides_and_no_truth(trained, tracked, tmp_path):
    assert call(trained["feature"], tmp_path / "side", coefficients=TEST_CLIP, camera="yaw=15,pitch=-5") == 0
    assert not (tmp_path / "side/scores.csv").exists()
    assert (pictures(tmp_path / "side/opacity_head") != pictures(tracked / "opacity_head")).any((1, 2, 3)).all()
    assert call(trained["feature"], tmp_path / "front", coefficients=TEST_CLIP, camera="yaw=0") == 0
    front, before = pictures(tmp_path / "front/frames").astype(int), pictures(tracked / "frames").astype(int)
    assert np.abs(front - before).max() <= 1


def test_motion_as_animate_writes_it_is_rendered(trained, sound, tmp_path):
    run = trained["feature"]
    words = ["animate", str(run), "--audio", str(sound), "--style", "happy", "--out", str(tmp_path / "look")]
    assert main(words) == 0
    motion = tmp_path / "look/motion.npz"
    assert call(run, tmp_path / "out", coefficients=motion) == 0
    show = coefficients_show(open_person(find_run(run, RENDERER), None, None), str(motion))
    with np.load(motion) as archive:
        np.testing.assert_allclose(show.signal[:, :-5], archive["expression"], atol=1e-6)
        stream = np.concatenate([archive["rotation"], archive["translation"]], axis=1)
    root = find_run(run, RENDERER).split.train[0].coefficients.root
    np.testing.assert_allclose(show.path.head_to_world, unpack_pose(stream, root), atol=1e-5)
    assert len(pictures(tmp_path / "out/frames")) == 13
    with av.open(str(tmp_path / "out/video.mp4")) as container:
        assert not container.streams.audio  # no sound is known


def test_other_systems_stand_beside_with_scores_where_their_size_allows(trained, tracked, tmp_path, capsys):
    truth = tmp_path / "truth"
    shutil.copytree(clip_folder(trained["feature"]) / "frames", truth)
    short = tmp_path / "short"
    short.mkdir()
    for i in range(10):
        shutil.copy(tracked / f"frames/{i:05d}.png", short)
    words = f"perfect={truth},ours={short},large={tracked / 'neck'},film={tracked / 'side_by_side.mp4'}"
    assert call(trained["feature"], tmp_path / "out", coefficients=TEST_CLIP, beside=words) == 0
    told = json.loads((tmp_path / "out/scores.json").read_text())
    assert told["frames"] == 10  # what all of the same size have
    means = told["means"]
    assert set(means) == {"erlnet", "perfect", "ours"}
    assert means["perfect"]["psnr"]["frame"] == 100.0
    assert means["perfect"]["ssim"]["frame"] == pytest.approx(1)
    assert means["ours"] == means["erlnet"]
    assert "384x384 px, the true ones 64x64; it is scaled for the film alone" in told["left_out"]["large"]
    assert "768x514 px" in told["left_out"]["film"]
    table = capsys.readouterr().out
    assert "perfect  1.000" in table
    assert "n/a" in table  # LPIPS
    sizes = json.loads((tmp_path / "out/render.json").read_text())["width_height_frames"]
    assert sizes["large"] == [384, 384, len(pictures(tracked / "frames"))]
    assert sizes["ours"] == [64, 64, 10]
    shown = film(tmp_path / "out/side_by_side.mp4")
    assert shown.shape == (len(pictures(tracked / "frames")), 2 * (320 + 34) + 96, 4 * 320, 3)
    ours = shown[:, 34 : 34 + 320, 3 * 320 :].astype(int)
    assert ours[9].max() > 60
    assert ours[10:].max() < 40  # it has ended
    assert not list((tmp_path / "out").glob(".*"))


def test_two_renderers_must_be_told_apart(trained, sound, tmp_path, capsys):
    assert call(trained["pixel"].parents[1], tmp_path / "film.mp4", audio=sound, style="happy") == 2
    told = capsys.readouterr().err
    assert "its results have different renderers; name one of them" in told
    assert str(trained["pixel"].name) in told


@pytest.fixture(scope="module")
def wrong_files(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "empty.wav").write_text("")
    (folder / "text.wav").write_text("this is no sound")
    np.savez(folder / "shape.npz", head_to_world=np.zeros((3, 3, 4)))
    away = np.tile(np.eye(4), (3, 1, 1))  # looks away from the camera, one metre before it
    away[:, 2, 3] = 1
    np.savez(folder / "away.npz", head_to_world=away)
    zeros = {name: np.zeros((20, width)) for name, width in (("expression", 39), ("rotation", 3))}
    nan = zeros["expression"].copy()
    nan[7, 3] = np.nan
    np.savez(folder / "nan.npz", **zeros | {"expression": nan}, fps=25)
    np.savez(folder / "other.npz", **zeros | {"expression": np.zeros((20, 50))}, fps=25)
    for name in ("nan-clip", "other-clip"):
        shutil.copytree(clip_folder(trained["feature"]), folder / name)
        with np.load(folder / name / "coefficients.npz") as archive:
            arrays = dict(archive)
        if name == "nan-clip":
            arrays["jaw"][4] = np.nan
        else:
            arrays["expression"] = arrays["expression"][:, :30]
        np.savez(folder / name / "coefficients.npz", **arrays)
    (folder / "folder.mp4").mkdir()
    (folder / "file").write_text("a file")
    (folder / "mine/frames").mkdir(parents=True)
    return folder


AUDIO, COEFFICIENTS = {"audio": "SOUND", "style": "happy"}, {"coefficients": TEST_CLIP, "audio": None, "style": None}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"run": "absent"}, "there is no such folder"),
        ({"run": "."}, "holds no result of a run"),
        ({"audio": "absent.wav"}, "there is no such file, and no test clip of the run has this name"),
        ({"audio": "empty.wav"}, "neither as sound nor as video"),
        ({"audio": "text.wav"}, "neither as sound nor as video"),
        ({"style": "happi"}, "did you mean 'happy'"),
        ({"style": "happy,neutral"}, "a film is in one style"),
        ({"style": None}, "--style: is needed with --audio: a style of the run (happy, neutral)"),
        ({"audio": None}, "give one of --audio, --clip and --coefficients, not none"),
        ({"clip": TEST_CLIP}, "not --audio and --clip"),
        ({"speaker": "nobody"}, "the run has no renderer of theirs"),
        ({"pose": "absent.npz"}, "--pose absent.npz: there is no such file"),
        ({"pose": "shape.npz"}, "'head_to_world' is float64 (3, 3, 4), expected numbers (frames, 4, 4)"),
        ({"pose": "away.npz"}, "--pose away.npz: in frame 0 the camera is behind the head"),
        ({"pose": "nowhere"}, "neither a prepared clip's folder nor a test clip"),
        ({"camera": "orbit:30"}, "30 degrees is beyond the 20 to each side"),
        ({"camera": "yaw=170"}, "170 degrees would put the camera behind the head"),
        ({"beside": "a=file"}, "give a folder as --out"),
        (COEFFICIENTS | {"style": "happy"}, "--style: goes with --audio; --coefficients brings its own"),
        (COEFFICIENTS | {"coefficients": "absent.npz"}, "absent.npz"),
        (COEFFICIENTS | {"coefficients": "nan.npz"}, "holds a value that is no number in 1 of 20 frames, first in"),
        (COEFFICIENTS | {"coefficients": "nan-clip"}, "holds a coefficient that is no number in frame 4"),
        (COEFFICIENTS | {"coefficients": "other.npz"}, "its 50 expression coefficients are of another head model"),
        (COEFFICIENTS | {"coefficients": "other-clip"}, "the 39 of head_model=makehuman"),
        ({"out": "folder.mp4"}, "is a folder; give the name of a file that ends in .mp4"),
        ({"out": "file"}, "is a file; give a folder"),
        ({"out": "mine"}, "its frames was not made by this command"),
        ({"out": "file/film.mp4"}, "cannot be written"),
        ({"run": "DIRECT"}, "--style: sound alone drives this run's renderer"),
        ({"run": "DIRECT", "style": None}, "which makes no head pose; give one by --pose"),
        ({"run": "DIRECT"} | COEFFICIENTS, "sound drives this run's renderer, not coefficients"),
    ],
)
def test_wrong_words_are_told_in_one_line_and_nothing_is_written(
    trained, sound, wrong_files, changed, says, monkeypatch, capsys
):
    monkeypatch.chdir(wrong_files)
    before = sorted(path for path in wrong_files.rglob("*"))
    words = {"run": "RUN", "out": "film.mp4"} | AUDIO | changed
    places = {"RUN": trained["feature"], "DIRECT": trained["direct"], "SOUND": sound}
    words = {name: places.get(word, word) for name, word in words.items() if word is not None}
    assert call(words.pop("run"), words.pop("out"), **words) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert told[0].startswith("erlnet: ")
    assert says in told[0]
    assert sorted(path for path in wrong_files.rglob("*")) == before


def test_a_result_without_a_renderer_is_refused_with_what_to_do(sound, tmp_path, capsys):
    result = tmp_path / "results/bank-s0"
    result.mkdir(parents=True)
    (result / "result.json").write_text(json.dumps({"status": "done", "error": None, "stages": {"motion/1": "x"}}))
    assert call(tmp_path, tmp_path / "film.mp4", audio=sound, style="happy") == 2
    told = capsys.readouterr().err
    assert "has no trained renderer, since nothing in it was rendered" in told
    assert "python -m erlnet.ablate fusion=feature" in told


def copied(trained, tmp_path):
    """(result, its checkpoint, another variant's) of a copy that may be broken."""
    runs = tmp_path / "runs"
    shutil.copytree(trained["feature"].parents[1], runs)
    names = {v: find_run(trained[v], RENDERER).inputs["renderer"].name for v in ("feature", "pixel")}
    files = [runs / "stages/renderer" / names[v] / "renderer-000.safetensors" for v in ("feature", "pixel")]
    return runs / "results" / trained["feature"].name, *files


def test_a_broken_checkpoint_or_that_of_another_variant_is_refused(trained, sound, tmp_path, capsys):
    result, own, other = copied(trained, tmp_path)
    film_before = tmp_path / "film.mp4"
    film_before.write_bytes(b"the one before")
    own.write_bytes(other.read_bytes())
    assert call(result, film_before, audio=sound, style="happy") == 2
    told = capsys.readouterr().err.strip()
    assert "was trained with fusion=" in told
    assert "\n" not in told
    own.write_bytes(other.read_bytes()[:5000])
    assert call(result, film_before, audio=sound, style="happy") == 2
    told = capsys.readouterr().err.strip()
    assert "no readable renderer checkpoint" in told
    assert "\n" not in told
    assert film_before.read_bytes() == b"the one before"


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_told_and_the_film_before_stays(trained, sound, tmp_path, monkeypatch, capsys):
    out = tmp_path / "film.mp4"
    out.write_bytes(b"the one before")
    monkeypatch.setattr("erlnet.runs.mp4._write", full)
    assert call(trained["feature"], out, audio=sound, style="happy") == 2
    told = capsys.readouterr().err.strip()
    assert f"no space left on the disk: {out} could not be written" in told
    assert "\n" not in told
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("film.mp4", b"the one before")]


def test_a_folder_is_kept_as_it_was_when_a_render_fails_and_replaced_when_it_does_not(
    trained, sound, tracked, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "out"
    shutil.copytree(tracked, out)
    (out / "mine.txt").write_text("a note")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with monkeypatch.context() as patched:
        patched.setattr(Image.Image, "save", full)
        assert call(trained["feature"], out, audio=sound, style="happy") == 2
    assert "no space left on the disk" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert call(trained["feature"], out, audio=sound, style="happy") == 0
    assert (out / "mine.txt").read_text() == "a note"
    assert len(pictures(out / "frames")) == 13
    assert not (out / "scores.csv").exists()  # they were of the clip before


def test_a_fresh_folder_is_not_there_after_a_failure(trained, tmp_path, capsys):
    broken = tmp_path / "theirs"
    broken.mkdir()
    Path(broken / "0.png").write_text("no picture")
    assert call(trained["feature"], tmp_path / "out", coefficients=TEST_CLIP, beside=f"theirs={broken}") == 2
    assert "cannot be read as a picture" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]
