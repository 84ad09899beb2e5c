"""Stage one alone from the command line to the report: one sweep on clips without frames, looked at from all sides."""

import json
import os
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from motion_sweep import SMALL, SWEEP, ablate, scores

from erlnet.driving import primary_endpoint


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """(folder, the finished command) of the sweep that everything below looks at."""
    folder = tmp_path_factory.mktemp("motion-job")
    ran = ablate(folder, *SWEEP)
    assert ran.returncode == 0, ran.stderr
    return folder, ran


@pytest.fixture(scope="module")
def summary(swept):
    return json.loads((swept[0] / "runs/reports/vq-bank/summary.json").read_text())


def variant(summary, name):
    return next(v for v in summary["variants"] if v["name"] == name)


def made(folder):
    """File -> when it was written."""
    return {p: p.stat().st_mtime_ns for p in (folder / "runs").rglob("*") if p.is_file() and ".tmp" not in p.parts}


# The sweep


def test_both_variants_are_scored_in_the_modes_that_mean_something_for_them(summary):
    modes = {v["name"]: {s["driving"] for s in v["scores"]} for v in summary["variants"]}
    assert modes == {"dual": {"reconstructed", "audio", "audio_free", "none"}, "none": {"audio", "audio_free"}}
    assert {v["status"] for v in summary["variants"]} == {"done"}
    coded = {"codebook_usage", "codebook_usage_least", "codebook_perplexity", "bits_per_second"}
    assert {m for m, mode in scores(variant(summary, "dual")) if mode == "none"} == coded
    assert not coded & {m for m, _ in scores(variant(summary, "none"))}


def test_a_mode_has_the_metrics_that_say_something_in_it(summary):
    found = scores(variant(summary, "dual"))
    assert ("mesh_mouth_r", "audio") in found
    assert ("mesh_mouth_r", "audio_free") not in found  # its face is that of audio
    assert ("pose_error", "audio") not in found  # its head is the true one
    assert ("pose_diversity", "audio_free") in found
    assert ("style_accuracy", "audio_free") in found


def test_references_have_their_roles_and_known_answers(summary):
    rows = {r["name"]: r for r in summary["references"]}
    assert {name: r["role"] for name, r in rows.items()} == {
        "mean_motion": "floor", "ridge": "floor", "truth": "control", "delayed": "control", "passthrough": "control",
    }  # fmt: skip
    truth, late, mean = scores(rows["truth"]), scores(rows["delayed"]), scores(rows["mean_motion"])
    for metric, perfect in (("mesh_mouth_r", 1), ("mesh_mouth_slope", 1), ("mesh_mouth_lag", 0), ("jaw_error", 0)):
        assert truth[metric, "audio"]["mean"] == pytest.approx(perfect, abs=1e-9)
    assert truth["sound_pose_gap", "audio_free"]["mean"] == 0
    assert late["mesh_mouth_lag", "audio"]["mean"] == 5
    assert mean["pose_range_ratio", "audio_free"]["mean"] == pytest.approx(0, abs=1e-6)
    assert mean["mouth_range_ratio", "audio"]["mean"] == pytest.approx(0, abs=1e-6)
    assert scores(rows["ridge"])["mesh_mouth_r", "audio"]["mean"] > mean["mesh_mouth_r", "audio"]["mean"]
    through = scores(rows["passthrough"])
    assert through["style_accuracy", "audio_free"]["mean"] > 0.5
    assert {driving for _, driving in through} == {"audio_free"}


def test_a_score_of_all_clips_together_has_no_interval(summary):
    """Three test clips: each pair of styles is asked for once, so no clip can be left out."""
    for v in summary["variants"]:
        score = scores(v)["decoupling_expression", "audio_free"]
        assert score["n_clips"] <= 1
        assert score["ci_low"] is None


FIELDS = {
    "summary": {"schema", "study", "command", "primary", "baseline", "variants", "references", "comparisons",
                "environment"},
    "variant": {"name", "config", "options", "hash", "status", "error", "n_seeds", "health", "mouth_guard", "scores",
                "cost", "plan", "unavailable"},
    "score": {"metric", "region", "driving", "mean", "ci_low", "ci_high", "n_clips", "n_seeds", "higher_is_better",
              "unit"},
    "comparison": {"variant", "baseline", "metric", "region", "driving", "difference", "ci_low", "ci_high", "p",
                   "p_adjusted", "verdict", "n_clips", "n_seeds"},
}  # fmt: skip
VERDICTS = {"better", "worse", "equivalent", "undecided", "identical", "not_converged", "blocked"}


def test_the_summary_keeps_its_schema(swept, summary):
    text = (swept[0] / "runs/reports/vq-bank/summary.json").read_text()
    assert "NaN" not in text
    assert summary["schema"] == 1
    assert summary.keys() >= FIELDS["summary"]
    assert summary["primary"] == {"metric": "mesh_mouth_r", "region": "mouth", "driving": "audio"}
    assert summary["baseline"] == "dual"
    for v in summary["variants"]:
        assert v.keys() >= FIELDS["variant"]
        assert v["health"] == {
            "status": "n/a",
            "values": {"reason": "nothing was rendered under the tracked head pose"},
        }
        assert v["mouth_guard"]["status"] in ("passed", "failed", "n/a")
        assert v["config"]["vq"] == v["name"]
        assert v["unavailable"] == []
        assert all(stage in v["plan"]["stages"] for stage in v["plan"]["shared_with"])
    for row in (*summary["variants"], *summary["references"]):
        for s in row["scores"]:
            assert s.keys() >= FIELDS["score"]
            assert s["region"] in {"face", "mouth", "head", "none"}
            assert s["mean"] is None or np.isfinite(s["mean"])
    assert summary["comparisons"]
    for c in summary["comparisons"]:
        assert c.keys() >= FIELDS["comparison"]
        assert (c["variant"], c["baseline"]) == ("none", "dual")
        assert c["verdict"] in VERDICTS


def test_the_guard_goes_by_the_mesh(summary):
    for v in summary["variants"]:
        values, found = v["mouth_guard"]["values"], scores(v)
        assert values["mouth_open_r"] == found["mesh_mouth_r", "audio"]["mean"]
        assert values["driving"] == "audio"
        assert "faces_missed" not in values


class Addresses(HTMLParser):
    """Ids, and everything that a browser would fetch."""

    def __init__(self):
        super().__init__()
        self.ids, self.fetched, self.tags = set(), [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.ids |= {value for name, value in attrs if name == "id"}
        self.fetched += [value for name, value in attrs if name in ("src", "href") and not value.startswith("#")]


def test_the_report_has_a_style_section_and_curves_but_no_pictures_and_asks_nobody(swept):
    folder, ran = swept
    report = folder / ran.stdout.strip().splitlines()[-1]
    assert report == folder / "runs/reports/vq-bank/report.html"
    text = report.read_text()
    page = Addresses()
    page.feed(text)
    assert {"styles", "curves", "scores", "conditions", "run"} <= page.ids
    assert "frames" not in page.ids
    assert not page.tags & {"video", "img", "script", "link"}
    assert page.fetched == []
    assert "url(" not in text
    assert "sanity check, not evidence" in text
    assert "The judge of style learnt from the clips set apart (val)" in text


# What is kept


def test_a_reissue_does_nothing_and_loads_no_heavy_package(swept):
    folder, ran = swept
    before = made(folder)
    code = "import sys; from erlnet.ablate import main; code = main(sys.argv[1:])\n"
    code += "print(code, sorted(set(sys.modules) & {'torch', 'pandas', 'scipy', 'matplotlib'}))"
    again = subprocess.run(
        [sys.executable, "-c", code, *SWEEP, "--out", "runs"], capture_output=True, text=True, cwd=folder,
        env=os.environ | {"ERLNET_ASSETS": str(folder / "no-assets")},
    )  # fmt: skip
    assert again.stdout.splitlines() == [ran.stdout.strip().splitlines()[-1], "0 []"], again.stderr
    assert made(folder) == before


def feature_files(folder):
    return sorted((folder / "runs/features").glob("*/*.npy"))


def test_features_are_stored_once_a_clip(swept):
    folder, _ = swept
    (prepared,) = (folder / "runs/stages/prepare").iterdir()
    clips = list(prepared.glob("*/clip.json"))
    assert len(clips) == 27  # a speaker's 3 styles x (2 training, 1 test), two judges' 3 styles x 3
    assert len(feature_files(folder)) == 27
    (stage,) = (folder / "runs/stages/features").iterdir()
    named = json.loads((stage / "features.json").read_text())
    assert named.keys() == {clip.parent.name for clip in clips}
    assert {(stage / place).resolve() for place in named.values()} == set(feature_files(folder))
    lengths = {np.load(file, mmap_mode="r").shape[0] for file in feature_files(folder)}
    assert lengths == {25}


def test_another_sweep_makes_no_features_and_a_lost_one_is_made_again_alone(swept, tmp_path):
    shutil.copytree(swept[0] / "runs", tmp_path / "runs")
    before = {file: file.stat().st_mtime_ns for file in feature_files(tmp_path)}
    assert ablate(tmp_path, *SMALL, "style=none", "--metrics", "codebook", "--driving", "audio").returncode == 0
    assert {file: file.stat().st_mtime_ns for file in feature_files(tmp_path)} == before

    lost, content = next(iter(before)), next(iter(before)).read_bytes()
    lost.unlink()
    (stage,) = (tmp_path / "runs/stages/features").iterdir()
    shutil.rmtree(stage)
    assert ablate(tmp_path, *SMALL, "style=none", "--metrics", "codebook", "--driving", "audio").returncode == 0
    assert lost.read_bytes() == content
    after = {file: file.stat().st_mtime_ns for file in feature_files(tmp_path)}
    assert {file for file in before if after[file] != before[file]} == {lost}


# Flags


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--driving", "tracked"], "--driving tracked: dataset=bank: its clips have no frames"),
        (["vq=none", "--driving", "reconstructed"], "no variant has a codec with codes"),
        (["--metrics", "motoin"], "did you mean 'motion'"),
    ],
)
def test_what_means_nothing_for_the_bank_is_refused_in_one_line(tmp_path, words, says):
    ran = ablate(tmp_path, *SMALL, *words)
    assert ran.returncode == 2
    assert says in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_metrics_of_pictures_on_clips_without_are_said_to_say_nothing(swept):
    ran = ablate(swept[0], *SMALL, "--metrics", "ssim", "--driving", "audio")
    assert ran.returncode == 2
    assert "nothing that can be scored on these data" in ran.stderr.splitlines()[-1]


def test_one_family_and_one_mode_are_scored_alone(swept):
    folder, _ = swept
    ran = ablate(folder, *SMALL, "--metrics", "motion", "--driving", "audio_free")
    assert ran.returncode == 0, ran.stderr
    found = json.loads((folder / "runs/reports/single-bank/summary.json").read_text())
    assert found["primary"] == {"metric": "pose_frechet", "region": "head", "driving": "audio_free"}
    assert {s["driving"] for v in found["variants"] for s in v["scores"]} == {"audio_free"}
    assert not {m for v in found["variants"] for m, _ in scores(v)} & {"style_accuracy", "codebook_usage"}
    assert not (folder / "runs/stages/renderer").exists()


def test_a_variant_that_a_mode_says_nothing_of_stands_in_the_report_without_scores(swept, tmp_path):
    folder = tmp_path
    shutil.copytree(swept[0] / "runs", folder / "runs")
    ran = ablate(folder, *SMALL, "vq=none,dual", "--metrics", "motion", "--driving", "reconstructed")
    assert ran.returncode == 0, ran.stderr
    found = json.loads((folder / "runs/reports/vq-bank/summary.json").read_text())
    assert [(v["name"], v["status"], bool(v["scores"])) for v in found["variants"]] == [
        ("none", "done", False), ("dual", "done", True),
    ]  # fmt: skip
    assert found["comparisons"] == []


def test_heads_alone_are_compared_by_how_they_move():
    assert primary_endpoint(["vq"], ("audio_free",), has_frames=False) == ("pose_frechet", "head", "audio_free")
