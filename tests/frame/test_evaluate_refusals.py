"""What `python -m erlnet evaluate` refuses in one line, and that nothing is lost then."""

import json

import numpy as np
import pytest
from evaluate_toys import evaluate, openings, pictures, write_pictures, write_video
from PIL import Image


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    base = tmp_path_factory.mktemp("files")
    write_pictures(base / "ref", pictures(openings(4)))
    write_pictures(base / "same", pictures(openings(4)))
    write_pictures(base / "large", pictures(openings(4)).repeat(2, 1).repeat(2, 2))
    write_pictures(base / "tiny", pictures(openings(2))[:, :16, :16])
    write_pictures(base / "mixed", pictures(openings(2)))
    Image.new("RGB", (32, 32)).save(base / "mixed/00002.png")
    write_pictures(base / "cut", pictures(openings(2)))
    whole = (base / "cut/00001.png").read_bytes()
    (base / "cut/00001.png").write_bytes(whole[: len(whole) // 2])
    (base / "deep").mkdir()
    Image.fromarray(np.full((64, 64), 40_000, np.uint16)).save(base / "deep/0.png")
    (base / "empty").mkdir()
    (base / "empty.mp4").write_text("")
    (base / "text.mp4").write_text("this is no video")
    write_video(base / "film.mkv", pictures(openings(4)))
    whole = (base / "film.mkv").read_bytes()
    (base / "broken.mkv").write_bytes(whole[:300])
    write_pictures(base / "both", pictures(openings(2)))
    (base / "both/film.mkv").write_bytes(whole)
    write_pictures(base / "clips/anna", pictures(openings(2)))
    write_pictures(base / "others/ben", pictures(openings(2)))
    write_pictures(base / "twice/anna", pictures(openings(2)))
    (base / "twice/anna.mkv").write_bytes(whole)
    (base / "old").mkdir()
    (base / "old/summary.json").write_text("mine")
    return base


@pytest.mark.parametrize(
    ("pred", "says"),
    [
        ("absent", "there is no such file or folder"),
        ("empty", "holds no pictures, no videos and no folders of pictures"),
        ("empty.mp4", "the file is empty"),
        ("text.mp4", "cannot be read as a video"),
        ("broken.mkv", "broken.mkv"),
        ("ref/00000.png", "is a single picture; give a video or a folder of pictures"),
        ("large", "is 128x128 px, the reference 64x64; scaling would be a part of the score: give --resize"),
        ("mixed", "frame 2 of"),
        ("cut", "00001.png cannot be read as a picture"),
        ("deep", "has more than 8 bits a channel; save it as 8-bit RGB"),
        ("both", "holds pictures and videos"),
        ("clips", "is a folder of clips, but --ref"),
        ("twice", "two clips are called 'anna'"),
        ("truth=same", "the name 'truth' is what a row of the report is called"),
        ("a/b=same", "expected PATH or NAME=PATH"),
        ("x=", "expected PATH or NAME=PATH"),
    ],
)
def test_a_prediction_that_cannot_be_scored_is_refused_in_one_line(files, tmp_path, monkeypatch, capsys, pred, says):
    monkeypatch.chdir(files)
    monkeypatch.setenv("ERLNET_ASSETS", str(tmp_path / "assets"))
    assert evaluate(tmp_path / "out", "ref", pred) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert says in told[-1]
    assert told[-1].startswith("erlnet: --pred ")
    assert not (tmp_path / "out").exists()
    assert [p.name for p in tmp_path.iterdir()] == []  # no scratch folder stays either


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--driving-audio", "absent.wav"), "--driving-audio absent.wav: there is no such file or folder"),
        (("--driving-audio", "text.mp4"), "--driving-audio text.mp4: it can be read neither as sound nor as video"),
        (("--driving-audio", "film.mkv"), "--driving-audio film.mkv: it holds no sound"),
        (("--driving-audio", "clips"), "give one file"),
        (("--fps", "0"), "expected 1 to 240 frames a second"),
        (("--fps", "nan"), "expected 1 to 240 frames a second"),
        (("--metrics", "sim"), "unknown 'sim'"),
        (("--profile", "eta"), "there is no such profile"),
        (("--primary", "simm"), "no metric 'simm' is scored"),
        (("--primary", "ssim:nek"), "SSIM is read in frame, head"),
        (("--primary", "mouth_lag"), "neither direction"),
        (("--primary", "ssim", "--metrics", "psnr"), "no metric 'ssim' is scored"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_read(files, tmp_path, monkeypatch, capsys, more, says):
    monkeypatch.chdir(files)
    assert evaluate(tmp_path / "out", "ref", "same", more=more) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert says in told[0]
    assert not (tmp_path / "out").exists()


def test_a_name_given_twice_is_refused(files, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(files)
    assert evaluate(tmp_path / "out", "ref", "same", "same=large") == 2
    assert "the name 'same' is given twice; choose another: --pred NAME=large" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reference", "pred", "says"),
    [
        ("absent", "same", "--ref absent: there is no such file or folder"),
        ("text.mp4", "same", "--ref: text.mp4: it cannot be read as a video"),
        ("tiny", "tiny", "at least 32 px are needed"),
        ("clips", "others", "none of its clips (ben) is called like one of --ref clips (anna)"),
    ],
)
def test_a_reference_that_cannot_be_used_is_refused(files, tmp_path, monkeypatch, capsys, reference, pred, says):
    monkeypatch.chdir(files)
    assert evaluate(tmp_path / "out", reference, pred) == 2
    assert says in capsys.readouterr().err


def test_a_folder_with_other_peoples_results_is_left_alone(files, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(files)
    assert evaluate("old", "ref", "same") == 2
    assert "its summary.json was not made by this command; choose another folder" in capsys.readouterr().err
    assert evaluate("empty.mp4", "ref", "same") == 2
    assert "is a file; give a folder" in capsys.readouterr().err
    assert (files / "old/summary.json").read_text() == "mine"


def test_a_call_that_fails_leaves_the_results_of_the_last_one(files, tmp_path, monkeypatch):
    monkeypatch.chdir(files)
    monkeypatch.setenv("ERLNET_ASSETS", str(tmp_path / "assets"))
    out = tmp_path / "out"
    words = ("--metrics", "psnr", "--no-controls")
    assert evaluate(out, "ref", "same", more=words) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert evaluate(out, "ref", "cut", more=words) == 2
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    (out / "notes.txt").write_text("kept")
    assert evaluate(out, "ref", "large", more=(*words, "--resize")) == 0
    assert (out / "notes.txt").read_text() == "kept"
    assert (out / "summary.json").read_bytes() != before["summary.json"]


def test_other_frames_into_the_same_folder_are_looked_at_anew(files, tmp_path, monkeypatch):
    """Frames are remembered by their paths, so scratch paths must not be those of the last call."""
    monkeypatch.chdir(files)
    monkeypatch.setenv("ERLNET_ASSETS", str(tmp_path / "assets"))
    write_pictures(tmp_path / "grey", np.full((4, 64, 64, 3), 128, np.uint8))
    values = []
    for pred in ("same", f"same={tmp_path / 'grey'}"):
        assert evaluate(tmp_path / "out", "ref", pred, more=("--metrics", "psnr", "--no-controls")) == 0
        told = json.loads((tmp_path / "out/summary.json").read_text())
        values.append(next(s["mean"] for s in told["variants"][0]["scores"] if s["region"] == "frame"))
    assert values[0] == 100
    assert values[1] < 30


def test_nothing_at_all_that_can_be_scored_is_an_error(files, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(files)
    monkeypatch.setenv("ERLNET_ASSETS", str(tmp_path / "assets"))
    assert evaluate(tmp_path / "out", "ref", "same", more=("--metrics", "lpips")) == 2
    told = capsys.readouterr().err
    assert "nothing could be scored" in told
    assert "python -m erlnet assets fetch lpips" in told
