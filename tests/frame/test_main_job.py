"""The main job from the command line to the report, at smoke size, without any asset."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

COMMAND = [sys.executable, "-m", "erlnet.ablate", "fusion=pixel,feature", "preset=smoke", "--out", "runs"]


def run(cwd: Path) -> subprocess.CompletedProcess:
    environment = os.environ | {"ERLNET_ASSETS": str(cwd / "no-assets")}
    return subprocess.run(COMMAND, capture_output=True, text=True, cwd=cwd, env=environment)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("main-job")
    ran = run(folder)
    assert ran.returncode == 0, ran.stderr
    return folder, ran


def test_the_last_line_is_the_reports_path_and_the_report_is_one_file(first):
    folder, ran = first
    report = folder / ran.stdout.strip().splitlines()[-1]
    assert report.name == "report.html"
    text = report.read_text()
    assert "sanity check, not evidence" in text
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_the_summary_has_both_variants_all_references_and_what_was_unavailable(first):
    folder, _ = first
    summary = json.loads((folder / "runs/reports/fusion-demo/summary.json").read_text())
    assert [(v["name"], v["status"]) for v in summary["variants"]] == [("pixel", "done"), ("feature", "done")]
    assert {r["name"] for r in summary["references"]} == {
        "mean_frame", "last_frame", "nearest_pose", "truth", "frozen_mouth", "mean_motion", "ridge", "delayed",
    }  # fmt: skip
    for variant in summary["variants"]:
        assert {s["driving"] for s in variant["scores"]} == {"tracked", "audio", "none"}
        missing = {u["metric"]: u["remedy"] for u in variant["unavailable"]}
        assert "assets fetch lpips" in missing["lpips"]
        assert "assets fetch landmarks" in missing["lmd"]
    truth = next(r for r in summary["references"] if r["name"] == "truth")
    assert all(s["mean"] == 1 for s in truth["scores"] if s["metric"] == "ssim" and s["mean"] is not None)


def test_what_can_be_shared_is_made_once(first):
    folder, _ = first
    made = {p.name: len(list(p.iterdir())) for p in (folder / "runs/stages").iterdir() if p.name != ".tmp"}
    assert (made["prepare"], made["features"], made["codec"], made["motion"], made["renderer"]) == (1, 1, 1, 1, 2)


def test_a_lost_stage_is_made_again_to_the_same_bits_and_nothing_else(first):
    folder, _ = first
    stages = folder / "runs" / "stages"
    renderer = sorted((stages / "renderer").iterdir())[0]
    weights = load_file(renderer / "renderer-000.safetensors")
    others = {p: p.stat().st_mtime_ns for p in stages.glob("*/*/DONE") if p.parent != renderer}
    (renderer / "DONE").unlink()
    assert run(folder).returncode == 0
    again = load_file(renderer / "renderer-000.safetensors")  # the file's header may order its metadata otherwise
    assert again.keys() == weights.keys()
    assert all((again[name] == weights[name]).all() for name in weights)
    assert {p: p.stat().st_mtime_ns for p in others} == others


def test_scores_are_kept_beside_the_result(first):
    folder, _ = first
    for result in (folder / "runs/results").iterdir():
        lines = (result / "scores.csv").read_text().splitlines()
        assert lines[0] == "clip,driving,frame,metric,region,value"
        assert any(line.startswith("test-00") for line in lines[1:])


@pytest.fixture(scope="module")
def with_other_test_frames(first, tmp_path_factory):
    """The same sweep on the demo's clips as they are, and with noise in place of everything in the test clips."""
    folder = tmp_path_factory.mktemp("statistics")
    (prepared,) = (first[0] / "runs/stages/prepare").iterdir()
    for name in ("true", "noise"):
        for clip in sorted(prepared.glob("*/clip.json")):
            shutil.copytree(clip.parent, folder / name / clip.parent.name)
    rng = np.random.default_rng(0)
    for clip in (folder / "noise").glob("test-*"):
        for frame in (clip / "frames").iterdir():
            Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(frame)
        with np.load(clip / "coefficients.npz") as archive:
            arrays = dict(archive)
        for name in ("expression", "jaw", "lids", "eyes", "torso_offset"):
            arrays[name] = rng.normal(0, 1, arrays[name].shape).astype(np.float32)
        np.savez(clip / "coefficients.npz", **arrays)
        sound = (clip / "audio.wav").read_bytes()
        (clip / "audio.wav").write_bytes(sound[:44] + rng.bytes(len(sound) - 44))
    for name in ("true", "noise"):
        words = f"fusion=feature data={name} preset=smoke split=own --metrics psnr --driving audio --out on-{name}"
        ran = subprocess.run([*COMMAND[:3], *words.split()], capture_output=True, text=True, cwd=folder)
        assert ran.returncode == 0, ran.stderr
    return folder


@pytest.mark.parametrize("stage", ["codec", "motion", "renderer"])
def test_no_test_frame_touches_what_is_learnt(with_other_test_frames, stage):
    weights = []
    for name in ("true", "noise"):
        (file,) = (with_other_test_frames / f"on-{name}/stages/{stage}").glob("*/*.safetensors")
        weights.append(load_file(file))
    assert weights[0].keys() == weights[1].keys()
    assert all((weights[0][key] == weights[1][key]).all() for key in weights[0])


@pytest.mark.parametrize("row", ["mean_frame", "last_frame", "nearest_pose"])
def test_no_test_frame_touches_the_floors(with_other_test_frames, row):
    from erlnet.data.clip import open_index
    from erlnet.data.splits import make_split
    from erlnet.metrics.references import reference_frames

    shown = []
    for name in ("true", "noise"):
        (prepare,) = (with_other_test_frames / f"on-{name}/stages/prepare").iterdir()
        split = make_split(open_index(prepare), "own")
        shown.append(reference_frames(row, split.train, split.test[0]).frames(0, 5))
    assert np.array_equal(*shown)
