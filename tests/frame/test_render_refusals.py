"""What `python -m erlnet render` refuses, and what stays when it fails."""

import errno
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from render_calls import TEST_CLIP, call, clip_folder, pictures

from erlnet.runs.trained_run import RENDERER, find_run

pytestmark = pytest.mark.usefixtures("no_assets")


def test_two_renderers_must_be_told_apart(renderers, sound, tmp_path, capsys):
    assert call(renderers["pixel"].parents[1], tmp_path / "film.mp4", audio=sound, style="happy") == 2
    told = capsys.readouterr().err
    assert "its results have different renderers; name one of them" in told
    assert str(renderers["pixel"].name) in told


@pytest.fixture(scope="module")
def wrong_files(renderers, tmp_path_factory):
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
        shutil.copytree(clip_folder(renderers["feature"]), folder / name)
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
    renderers, sound, wrong_files, changed, says, monkeypatch, capsys
):
    monkeypatch.chdir(wrong_files)
    before = sorted(path for path in wrong_files.rglob("*"))
    words = {"run": "RUN", "out": "film.mp4"} | AUDIO | changed
    places = {"RUN": renderers["feature"], "DIRECT": renderers["direct"], "SOUND": sound}
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


def copied(renderers, tmp_path):
    """(result, its checkpoint, another variant's) of a copy that may be broken."""
    runs = tmp_path / "runs"
    shutil.copytree(renderers["feature"].parents[1], runs)
    names = {v: find_run(renderers[v], RENDERER).inputs["renderer"].name for v in ("feature", "pixel")}
    files = [runs / "stages/renderer" / names[v] / "renderer-000.safetensors" for v in ("feature", "pixel")]
    return runs / "results" / renderers["feature"].name, *files


def test_a_broken_checkpoint_or_that_of_another_variant_is_refused(renderers, sound, tmp_path, capsys):
    result, own, other = copied(renderers, tmp_path)
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


def test_a_full_disk_is_told_and_the_film_before_stays(renderers, sound, tmp_path, monkeypatch, capsys):
    out = tmp_path / "film.mp4"
    out.write_bytes(b"the one before")
    monkeypatch.setattr("erlnet.runs.mp4._write", full)
    assert call(renderers["feature"], out, audio=sound, style="happy") == 2
    told = capsys.readouterr().err.strip()
    assert f"no space left on the disk: {out} could not be written" in told
    assert "\n" not in told
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("film.mp4", b"the one before")]


def test_a_folder_is_kept_as_it_was_when_a_render_fails_and_replaced_when_it_does_not(
    renderers, sound, tracked, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "out"
    shutil.copytree(tracked, out)
    (out / "mine.txt").write_text("a note")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with monkeypatch.context() as patched:
        patched.setattr(Image.Image, "save", full)
        assert call(renderers["feature"], out, audio=sound, style="happy") == 2
    assert "no space left on the disk" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert call(renderers["feature"], out, audio=sound, style="happy") == 0
    assert (out / "mine.txt").read_text() == "a note"
    assert len(pictures(out / "frames")) == 13
    assert not (out / "scores.csv").exists()  # they were of the clip before


def test_a_fresh_folder_is_not_there_after_a_failure(renderers, tmp_path, capsys):
    broken = tmp_path / "theirs"
    broken.mkdir()
    (broken / "0.png").write_text("no picture")
    assert call(renderers["feature"], tmp_path / "out", coefficients=TEST_CLIP, beside=f"theirs={broken}") == 2
    assert "cannot be read as a picture" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]
