"""Stage one on data that lack something: styles, sound, a head model, motion."""

import json
import wave

import numpy as np
from motion_sweep import ablate, scores

from erlnet.runs.outcome import _read_scores


def test_one_person_without_a_judge_is_scored_without_style(tmp_path):
    words = ["dataset=demo", "preset=smoke", "threads=1", "--metrics", "motion,style,codebook"]
    ran = ablate(tmp_path, *words, "--driving", "reconstructed,audio,audio_free")
    assert ran.returncode == 0, ran.stderr
    report = tmp_path / ran.stdout.strip().splitlines()[-1]
    found = json.loads((report.parent / "summary.json").read_text())
    metrics = {m for v in found["variants"] for m, _ in scores(v)}
    assert {"mesh_mouth_r", "codebook_usage", "pose_diversity"} <= metrics
    assert not [m for m in metrics if m.startswith("style")]
    text = report.read_text()
    assert "not scored, for want of a judge: 1 speaker; a judge needs at least 2" in text
    assert 'id="styles"' not in text
    assert not (tmp_path / "runs/stages/renderer").exists()


def write_sequences(folder, width=7, n=8, frames=60, moves=1.0, sound=False):
    """Recordings of `width` coefficients that belong to no head model, all of them sines; sound is noise."""
    folder.mkdir()
    t = np.arange(frames)[:, None] / 25
    for k in range(n):
        rng = np.random.default_rng(k)
        waves = moves * np.sin(2 * np.pi * (rng.uniform(0.5, 3, width + 9) * t + rng.uniform(size=width + 9)))
        np.savez(
            folder / f"talk{k:02d}.npz", expression=waves[:, :width], jaw=0.1 * waves[:, width : width + 3],
            rotation=0.1 * waves[:, width + 3 : width + 6], translation=0.01 * waves[:, width + 6 :],
            lids=np.zeros((frames, 2)), fps=25.0,
        )  # fmt: skip
        if sound:
            with wave.open(str(folder / f"talk{k:02d}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(16_000)
                file.writeframes(rng.integers(-3000, 3000, frames * 640).astype("<i2").tobytes())


def test_numbers_of_no_head_model_without_sound_are_reconstructed_and_reported(tmp_path):
    write_sequences(tmp_path / "numbers")
    ran = ablate(tmp_path, "dataset=sequences", "data=numbers", "preset=smoke", "threads=1")
    assert ran.returncode == 0, ran.stderr
    report = tmp_path / ran.stdout.strip().splitlines()[-1]
    found = json.loads((report.parent / "summary.json").read_text())
    assert found["primary"] == {"metric": "expression_error", "region": "face", "driving": "reconstructed"}
    (v,) = found["variants"]
    assert {s["driving"] for s in v["scores"]} == {"reconstructed", "none"}
    metrics = {m for m, mode in scores(v) if mode == "reconstructed"}
    head = {"pose_error", "pose_shift_error", "pose_jitter", "pose_range_ratio", "pose_speed_ratio"}
    assert metrics == head | {"expression_error"}
    assert v["mouth_guard"] == {"status": "n/a", "values": {"reason": "no mesh, so no mouth"}}
    assert scores(v)["expression_error", "reconstructed"]["mean"] > 0
    assert {r["name"] for r in found["references"]} == {"mean_motion", "truth", "delayed"}
    stages = {p.name for p in (tmp_path / "runs/stages").iterdir()}
    assert not stages & {"features", "motion", "restyle", "renderer"}
    assert "expression error" in report.read_text()


def test_faces_and_heads_that_never_move_are_a_poor_study_and_no_failure(tmp_path):
    write_sequences(tmp_path / "still", moves=0.0, sound=True)
    words = ["dataset=sequences", "data=still", "sequences.sound=true", "preset=smoke", "threads=1"]
    ran = ablate(tmp_path, *words, "--metrics", "motion")
    assert ran.returncode == 0, ran.stderr
    found = json.loads((tmp_path / "runs/reports/single-still/summary.json").read_text())
    assert {r["name"] for r in found["references"]} == {"mean_motion", "truth", "delayed"}  # nothing to fit a ridge to
    (v,) = found["variants"]
    assert scores(v)["pose_frechet", "audio_free"]["mean"] is None
    assert scores(v)["pose_jitter", "audio_free"]["mean"] is None


def test_a_clip_may_have_the_name_of_nothing(tmp_path):
    file = tmp_path / "scores.csv"
    file.write_text("row,clip,frame,metric,region,value\n,null,,jaw_error,mouth,1.5\ntruth,NA,3,mesh_open,mouth,\n")
    found = _read_scores(file)
    assert list(found["clip"]) == ["null", "NA"]
    assert found["frame"].isna().tolist() == found["value"].isna().tolist()[::-1] == [True, False]
