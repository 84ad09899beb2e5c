"""`evaluate` on a real clip and copies of it, where clip, detector and matte are here."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from evaluate_toys import evaluate, write_pictures

from erlnet.assets import asset_path
from erlnet.data.video import read_frames
from erlnet.errors import AssetMissing

CLIP = Path(__file__).resolve().parents[3] / "shared/data/clips/grid/bbaf2n.mpg"
FRAMES = 55


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    if not CLIP.exists():
        pytest.skip("the real clip is not here")
    pytest.importorskip("mediapipe", reason="landmarks need mediapipe, of the extra `track`")
    try:
        for asset in ("landmarks", "matte"):
            asset_path(asset, "this test")
    except AssetMissing as missing:
        pytest.skip(str(missing))
    base = tmp_path_factory.mktemp("real")
    frames = np.stack(list(itertools.islice(read_frames(CLIP), FRAMES + 5)))
    write_pictures(base / "ref", frames[5:])
    write_pictures(base / "shifted", np.roll(frames[5:], 1, axis=2))
    write_pictures(base / "late", frames[:-5])
    words = ("--metrics", "psnr,landmarks")
    assert evaluate(base / "out", base / "ref", base / "shifted", base / "late", more=words) == 0
    return json.loads((base / "out/summary.json").read_text())


def mean(told, name, metric, region):
    row = next(r for r in (*told["variants"], *told["references"]) if r["name"] == name)
    return next(s["mean"] for s in row["scores"] if (s["metric"], s["region"]) == (metric, region))


def test_a_shift_of_one_pixel_reads_one_pixel(told):
    assert mean(told, "shifted", "lmd", "face") == pytest.approx(1, abs=0.15)
    assert mean(told, "shifted", "lmd_mouth", "mouth") < 0.3
    assert told["variants"][0]["mouth_guard"]["status"] == "passed"


def test_a_delay_of_five_frames_reads_five_and_fails_the_guard(told):
    assert mean(told, "late", "mouth_lag", "mouth") == 5
    assert told["variants"][1]["mouth_guard"]["status"] == "failed"


def test_a_shut_mouth_is_told_by_its_opening_and_not_by_the_frame(told):
    assert mean(told, "frozen_mouth", "psnr", "frame") > 40
    assert mean(told, "frozen_mouth", "mouth_open_r", "mouth") < 0.8


def test_every_region_of_a_real_person_is_found(told):
    regions = {s["region"] for s in told["variants"][0]["scores"] if s["metric"] == "psnr" and s["mean"] is not None}
    assert regions == {"frame", "head", "face", "mouth", "eyes", "neck", "torso", "background"}
