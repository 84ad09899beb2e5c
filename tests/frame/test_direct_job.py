"""A renderer that sound itself conditions: its stages, its modes, and a sweep beside flame from the command line."""

import json

import pytest
from motion_sweep import ablate, scores
from safetensors.numpy import load_file

from erlnet.driving import choose_driving, primary_endpoint
from erlnet.errors import UserError
from erlnet.grammar import parse_assignments
from erlnet.grid import resolve
from erlnet.metrics.cards import USUAL
from erlnet.stages import make_plan

BOTH = "conditioning=flame,direct"


def variants(*words):
    return resolve(parse_assignments(list(words))).variants


def plan(*words, driving=("audio",), families=USUAL):
    (variant,) = variants("conditioning=direct", *words)
    return make_plan(variant, 0, {"seed": 0}, driving, families)


def keys(planned, name):
    return {s.key for s in planned.stages if s.name == name}


def test_sound_drives_the_renderer_without_codec_or_mapper():
    planned = plan()
    assert not {s.name for s in planned.stages} & {"codec", "motion", "drive", "restyle"}
    names = [s.name for s in planned.stages]
    assert names.index("features") < names.index("renderer")
    read = {s.name: set(s.inputs) for s in planned.stages}
    assert read["renderer"] == {"prepare", "features"}
    assert read["render"] == {"prepare", "features", "renderer"}
    assert {family for _, family, _ in planned.evaluations} == {"ssim", "psnr", "lpips", "landmarks"}
    assert "motion" in dict(planned.references)  # the ridge regression is the mouth guard's bar


def test_the_renderers_key_holds_what_it_hears_and_nothing_of_stage_one():
    assert keys(plan(), "renderer") != keys(plan("audio=whisper"), "renderer")
    assert keys(plan(), "renderer") == keys(plan("vq=single", "motion.steps=5"), "renderer")
    flame = [make_plan(*variants(f"audio={a}"), 0, {"seed": 0}, ("tracked",), ("ssim",)) for a in ("logmel", "whisper")]
    assert keys(flame[0], "renderer") == keys(flame[1], "renderer")


def test_it_is_compared_in_audio_alone():
    assert choose_driving(None, ["conditioning"], variants(BOTH)) == ("audio",)
    assert choose_driving(None, ["conditioning"], variants("conditioning.mode=concat,warp")) == ("tracked", "audio")
    assert choose_driving("tracked,audio", ["conditioning"], variants(BOTH)) == ("tracked", "audio")  # flame has both
    assert plan(driving=("tracked", "audio")).renders[0][0] == "audio"
    assert primary_endpoint(["conditioning"], ("tracked", "audio"), renders_sound=True) == ("lpips", "frame", "audio")
    assert primary_endpoint(["conditioning"], ("tracked", "audio")) == ("lpips", "frame", "tracked")


@pytest.mark.parametrize("mode", ["tracked", "reconstructed", "audio_free"])
def test_modes_that_mean_nothing_for_it_are_refused_by_name(mode):
    with pytest.raises(UserError, match=rf"--driving {mode}: conditioning=direct: .*--driving audio"):
        choose_driving(mode, [], variants("conditioning=direct"))


def test_without_frames_the_conditioning_changes_nothing():
    (bank,) = variants("conditioning=direct", "dataset=bank")
    assert choose_driving(None, [], [bank]) == ("reconstructed", "audio", "audio_free")


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("direct-job")
    words = [BOTH, "preset=smoke", "threads=1", "--metrics", "ssim,motion"]
    ran = ablate(folder, *words)
    assert ran.returncode == 0, ran.stderr
    return folder, ran


@pytest.fixture(scope="module")
def summary(swept):
    return json.loads((swept[0] / "runs/reports/conditioning-demo/summary.json").read_text())


def test_a_sweep_beside_flame_is_reported_in_audio(swept, summary):
    folder, ran = swept
    assert (folder / ran.stdout.strip().splitlines()[-1]).name == "report.html"
    assert summary["primary"] == {"metric": "lpips", "region": "frame", "driving": "audio"}
    flame, direct = summary["variants"]
    assert [flame["status"], direct["status"]] == ["done", "done"]
    assert {s["driving"] for v in (flame, direct) for s in v["scores"]} == {"audio"}
    assert ("ssim", "audio") in scores(flame)
    assert ("ssim", "audio") in scores(direct)
    assert ("mesh_mouth_r", "audio") in scores(flame)
    assert ("mesh_mouth_r", "audio") not in scores(direct)


def test_its_health_is_measured_where_it_is_rendered(summary):
    for variant in summary["variants"]:
        assert variant["health"]["status"] in ("passed", "failed")
        assert 0 <= variant["health"]["values"]["head_opacity_face"] <= 1
    assert summary["variants"][1]["mouth_guard"]["values"]["ridge_r"] is not None


def test_its_checkpoint_holds_the_sounds_width(swept):
    widths = set()
    for file in (swept[0] / "runs/stages/renderer").glob("*/*.safetensors"):
        weights = load_file(file)
        widths |= {len(v) for k, v in weights.items() if k.endswith("conditioning.standardise.mean")}
    assert widths == {320, 44}  # four columns of 80 mel bands; 39 expressions, jaw and lids


def test_alone_it_is_trained_and_reported_too_and_refused_in_tracked(swept):
    folder, _ = swept
    words = ["conditioning=direct", "preset=smoke", "threads=1", "--metrics", "ssim"]
    ran = ablate(folder, *words)
    assert ran.returncode == 0, ran.stderr
    assert len(list((folder / "runs/stages/renderer").iterdir())) == 2  # the sweep's own
    refused = ablate(folder, *words, "--driving", "tracked")
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        "erlnet.ablate: --driving tracked: conditioning=direct: sound and the tracked head pose drive it; "
        "ask for --driving audio"
    ]


def test_features_that_cannot_be_had_show_before_anything_trains(swept):
    folder, _ = swept
    ran = ablate(folder, "conditioning=direct", "audio=whisper", "preset=smoke", "threads=1", "--metrics", "ssim")
    assert ran.returncode == 2
    assert "assets fetch whisper" in ran.stderr
    assert len(list((folder / "runs/stages/renderer").iterdir())) == 2
