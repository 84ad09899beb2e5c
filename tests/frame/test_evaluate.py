"""`python -m erlnet evaluate`, whole."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from evaluate_toys import evaluate, openings, pictures, read_corner, write_pictures, write_video
from skimage.metrics import structural_similarity

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "metrics"))  # metric_fakes

pytest.importorskip("cv2", reason="regions are drawn with OpenCV, of the extra `track`")


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A reference of 4.4 s, a noisy copy, a copy 5 frames late and one with a still mouth."""
    base = tmp_path_factory.mktemp("given")
    mouth = openings(115)
    write_pictures(base / "ref", pictures(mouth[5:]))
    write_pictures(base / "noisy", pictures(mouth[5:], 1, noise=6))
    write_pictures(base / "late", pictures(mouth[:-5]))
    write_pictures(base / "shut", pictures(np.zeros(110)))
    return base


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """No assets, and the corner's reader in the detector's place."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ERLNET_ASSETS", str(tmp_path_factory.mktemp("assets")))
        patched.setattr("erlnet.metrics.detector.FaceLandmarker.__call__", lambda self, frames: read_corner(frames))
        yield


@pytest.fixture(scope="module")
def out(given, seen, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "scored"
    words = [f"{name}={given / name}" for name in ("noisy", "late", "shut")]
    assert evaluate(out, given / "ref", *words) == 0
    return out


@pytest.fixture(scope="module")
def told(out):
    return json.loads((out / "summary.json").read_text())


def score(told, name, metric, region="frame"):
    row = next(r for r in (*told["variants"], *told["references"]) if r["name"] == name)
    return next(s for s in row["scores"] if (s["metric"], s["region"], s["driving"]) == (metric, region, "given"))


def test_the_summary_has_the_sweeps_schema_with_a_variant_a_method(told):
    assert told["schema"] == 1
    assert [v["name"] for v in told["variants"]] == ["noisy", "late", "shut"]
    assert told["baseline"] == "noisy"
    assert told["primary"] == {"metric": "ssim", "region": "frame", "driving": "given"}
    assert {v["status"] for v in told["variants"]} == {"done"}
    assert [(r["name"], r["role"]) for r in told["references"]] == [("truth", "control"), ("frozen_mouth", "control")]
    assert {u["metric"] for u in told["variants"][0]["unavailable"]} == {"lpips"}


def test_ssim_is_that_of_scikit_image(given, told):
    from PIL import Image

    def frame(name, i):
        return np.asarray(Image.open(given / name / f"{i:05d}.png"))

    expected = np.mean([
        structural_similarity(frame("ref", i), frame("noisy", i), channel_axis=2, gaussian_weights=True, sigma=1.5,
                              use_sample_covariance=False)
        for i in range(110)
    ])  # fmt: skip
    assert score(told, "noisy", "ssim")["mean"] == pytest.approx(expected, abs=1e-5)
    assert score(told, "truth", "ssim")["mean"] == 1


def test_units_are_blocks_of_the_one_video(told, out):
    assert score(told, "noisy", "ssim")["n_clips"] == 2  # 4.4 s: two blocks of at least 2 s
    record = json.loads((out / "evaluate.json").read_text())
    assert [(u["start"], u["stop"]) for u in record["units"]] == [(0, 55), (55, 110)]
    assert "this video only" in (out / "report.html").read_text()


def test_the_guard_catches_a_late_and_a_still_mouth(told):
    guards = {v["name"]: v["mouth_guard"] for v in told["variants"]}
    assert guards["noisy"]["status"] == "passed"
    assert score(told, "late", "mouth_lag", "mouth")["mean"] == 5
    assert guards["late"]["status"] == guards["shut"]["status"] == "failed"
    assert score(told, "frozen_mouth", "mouth_open_r", "mouth")["mean"] is not None


def test_scores_csv_holds_every_frame_of_every_row(out):
    with open(out / "scores.csv", newline="") as file:
        rows = [r for r in csv.DictReader(file) if (r["metric"], r["region"]) == ("ssim", "frame")]
    counts = {name: sum(r["row"] == name for r in rows) for name in ("noisy", "late", "shut", "truth", "frozen_mouth")}
    assert set(counts.values()) == {110}


def test_regions_come_from_landmarks_alone_without_a_matte(told, out):
    assert told["environment"]["regions"].startswith("landmarks alone")
    notes = json.loads((out / "evaluate.json").read_text())["notes"]
    assert any(note.startswith("The person matte is not here") for note in notes)
    assert score(told, "noisy", "ssim", "neck")["mean"] is not None
    assert not any(s["region"] in ("torso", "background") and s["mean"] for s in told["variants"][0]["scores"])


def test_a_profile_and_a_primary_of_ones_own(given, seen, tmp_path):
    out = tmp_path / "out"
    words = ("--profile", "eat", "--primary", "eat_ssim", "--metrics", "psnr", "--no-controls")
    assert evaluate(out, given / "ref", given / "noisy", given / "late", more=words) == 0
    told = json.loads((out / "summary.json").read_text())
    assert told["primary"]["metric"] == "eat_ssim"
    assert told["references"] == []
    assert score(told, "noisy", "eat_ssim")["mean"] < 1
    assert not any(s["metric"] == "ssim" for s in told["variants"][0]["scores"])
    assert any(note.startswith("Profile eat") for note in json.loads((out / "evaluate.json").read_text())["notes"])
    assert set(told["environment"]["fingerprints"]) == {"psnr", "eat"}


def test_a_video_is_scored_by_time_and_its_compression_is_said(given, seen, tmp_path):
    mouth = openings(115)[5:]
    exact = write_video(tmp_path / "exact.mkv", pictures(mouth))
    lossy = write_video(tmp_path / "lossy.mp4", pictures(mouth), codec="libx264", pix_fmt="yuv420p")
    assert evaluate(tmp_path / "out", given / "ref", exact, lossy, more=("--metrics", "ssim", "--no-controls")) == 0
    told = json.loads((tmp_path / "out/summary.json").read_text())
    assert score(told, "exact", "ssim")["mean"] == pytest.approx(1, abs=1e-6)
    assert 0.3 < score(told, "lossy", "ssim")["mean"] < 1
    assert [v["options"]["lossy"] for v in told["variants"]] == [False, True]
    notes = json.loads((tmp_path / "out/evaluate.json").read_text())["notes"]
    assert "lossy is lossy (h264): what compression did to it is a part of its scores." in notes


def test_a_rate_of_its_own_is_put_on_the_clock_and_said(seen, tmp_path):
    """50 pictures a second against 25: every picture of the slow one is on show beside its equal."""
    mouth = openings(60)
    slow = write_video(tmp_path / "slow.mkv", pictures(mouth))
    fast = write_video(tmp_path / "fast.mkv", pictures(mouth.repeat(2)), rate=50)
    assert evaluate(tmp_path / "out", slow, fast, more=("--metrics", "psnr", "--no-controls")) == 0
    told = json.loads((tmp_path / "out/summary.json").read_text())
    assert score(told, "fast", "psnr")["mean"] == 100
    notes = json.loads((tmp_path / "out/evaluate.json").read_text())["notes"]
    assert any(note.startswith("fast has 50 frames a second and is read at 25") for note in notes)


def test_several_clips_are_paired_by_name_and_count_as_units(seen, tmp_path):
    for i, name in enumerate(("anna", "ben", "cleo")):
        frames = pictures(openings(12), i)
        write_pictures(tmp_path / "ref" / name, frames)
        write_pictures(tmp_path / "a" / name, pictures(openings(12), i + 9, noise=2))
        if name != "cleo":
            (tmp_path / "b").mkdir(exist_ok=True)
            write_video(tmp_path / f"b/{name}.mkv", pictures(openings(12), i + 20, noise=9))
    words = ("--metrics", "ssim,psnr", "--no-controls")
    assert evaluate(tmp_path / "out", tmp_path / "ref", tmp_path / "a", tmp_path / "b", more=words) == 0
    told = json.loads((tmp_path / "out/summary.json").read_text())
    assert [score(told, name, "ssim")["n_clips"] for name in "ab"] == [3, 2]
    compared = next(c for c in told["comparisons"] if not c["exploratory"])
    assert (compared["metric"], compared["n_clips"], compared["clips_left_out"]) == ("ssim", 2, ["cleo"])
    assert compared["verdict"] == "worse"
    notes = json.loads((tmp_path / "out/evaluate.json").read_text())["notes"]
    assert "b is not scored on 1 clip which it lacks: cleo." in notes
    assert "Whom the clips show is not known here" in (tmp_path / "out/report.html").read_text()


def test_a_length_that_differs_is_said_and_cut_in_every_row(given, seen, tmp_path, capsys):
    short = write_pictures(tmp_path / "short", pictures(openings(115)[5:65]))
    words = ("--metrics", "psnr", "--no-controls")
    assert evaluate(tmp_path / "out", given / "ref", f"full={given / 'ref'}", short, more=words) == 0
    said = (
        "Lengths differ. ref: the reference 110, full 110, short 60 frames; only the first 60 are scored, in every row."
    )
    assert said in json.loads((tmp_path / "out/evaluate.json").read_text())["notes"]
    assert said in capsys.readouterr().err
    with open(tmp_path / "out/scores.csv", newline="") as file:
        frames = {r["row"]: 0 for r in csv.DictReader(file)}
    assert set(frames) == {"full", "short"}


def test_the_same_call_twice_gives_the_same_scores(given, seen, tmp_path):
    words = ("--no-controls", "--metrics", "ssim,landmarks")
    for name in ("one", "two"):
        assert evaluate(tmp_path / name, given / "ref", given / "noisy", more=words) == 0
    assert (tmp_path / "one/scores.csv").read_bytes() == (tmp_path / "two/scores.csv").read_bytes()
    assert {p.name for p in tmp_path.iterdir()} == {"one", "two"}  # no scratch folder stays
