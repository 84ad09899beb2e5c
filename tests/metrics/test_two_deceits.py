"""True frames with a shut mouth, and true frames five frames late: whole-frame scores praise them, the guard does not.

From decoded frames of a filmed talker through families, guard and report to the verdict sentence.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from metric_fakes import ArrayClip
from scipy.ndimage import gaussian_filter

from erlnet.assets import asset_path
from erlnet.errors import AssetMissing
from erlnet.metrics.cards import CARDS
from erlnet.metrics.detector import FaceLandmarker
from erlnet.metrics.families import SsimFamily
from erlnet.metrics.landmark_family import LandmarkFamily
from erlnet.metrics.pairs import ClipPair
from erlnet.metrics.references import reference_frames
from erlnet.report.analysis import analyse
from erlnet.report.inputs import SCORE_COLUMNS, Check, Primary, ReferenceResult, Study, VariantResult
from erlnet.report.sentences import headline
from erlnet.runs.checks import mouth_guard_check

VIDEO = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "clips" / "dfrf_french.mp4"
SIZE, TRAIN, CLIP, LATE = 256, 60, 25, 5
STARTS = (65, 90, 115, 140)  # of the test clips of one second


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Row -> its scores (SCORE_COLUMNS) on the test clips."""
    av = pytest.importorskip("av")
    pytest.importorskip("mediapipe")
    if not VIDEO.exists():
        pytest.skip("shared/data/clips/dfrf_french.mp4 is not beside the checkout")
    try:
        asset_path("landmarks", "this test")
    except AssetMissing as missing:
        pytest.skip(str(missing))
    frames = []
    with av.open(str(VIDEO)) as video:
        for picture in video.decode(video=0):
            frames.append(np.asarray(picture.to_image().resize((SIZE, SIZE))).transpose(2, 0, 1))
            if len(frames) == STARTS[-1] + CLIP:
                break
    film = np.stack(frames)
    with FaceLandmarker() as detect:
        points = detect(film)
    train = [ArrayClip(film[:TRAIN], points[:TRAIN])]
    tests = [ArrayClip(film[s : s + CLIP], points[s : s + CLIP]) for s in STARTS]

    def blurred(sigma: float) -> list[ArrayClip]:
        return [ArrayClip(gaussian_filter(t.array, (0, 0, sigma, sigma)), t.landmarks) for t in tests]

    made = {
        "blurred": blurred(8.0),
        "sharp": blurred(0.8),
        "shut": [reference_frames("frozen_mouth", train, t) for t in tests],
        "late": [ArrayClip(film[s - LATE : s - LATE + CLIP], points[s - LATE : s - LATE + CLIP]) for s in STARTS],
        "mean_frame": [reference_frames("mean_frame", train, t) for t in tests],
    }
    regions = np.zeros((CLIP, SIZE, SIZE), np.uint8)
    kept = tmp_path_factory.mktemp("found") / "detections.npz"
    found = {}
    for name, renders in made.items():
        pairs = [ClipPair(f"c{i}", "a", t, r, regions, t.landmarks) for i, (t, r) in enumerate(zip(tests, renders))]
        scored = SsimFamily().score(pairs, None) + LandmarkFamily(kept).score(pairs)
        table = [(0, r.clip, "tracked", r.frame, r.metric, r.region, np.nan if r.value is None else r.value)
                 for r in scored]  # fmt: skip
        found[name] = pd.DataFrame(table, columns=list(SCORE_COLUMNS))
    return found


def guard(rows, name: str) -> Check:
    return mouth_guard_check(rows[name], floors(rows), "tracked", has_frames=True)


def floors(rows):
    return [ReferenceResult("mean_frame", "floor", rows["mean_frame"])]


def mean(table, metric, region):
    mine = table[(table["metric"] == metric) & (table["region"] == region)]
    return mine.groupby("clip")["value"].mean().mean()


def verdict(rows, name: str) -> str:
    """The headline of a study whose variant is that row and whose baseline is a blurred truth, on frame SSIM."""
    variants = tuple(
        VariantResult(n, "done", seeds=(0,), scores=rows[n], health=Check("passed"), mouth_guard=guard(rows, n))
        for n in ("blurred", name)
    )
    primary = Primary("ssim", "frame", "tracked")
    return headline(
        analyse(Study("s", "", primary, "blurred", variants, (), ("tracked",), CARDS, (), "folder", "blocks"))
    )


def test_whole_frames_praise_both_deceits(rows):
    assert mean(rows["shut"], "ssim", "frame") > 0.98  # .993 over the whole clip
    late, floor = (mean(rows[name], "ssim", "frame") for name in ("late", "mean_frame"))
    assert late > floor + 0.05  # .914 over the whole clip


def test_a_shut_mouth_fails_the_guard_by_its_amplitude(rows):
    found = guard(rows, "shut")
    assert found.status == "failed"
    assert {"mouth_open_r", "mouth_open_slope"} <= set(found.values["failed"].split(", "))
    assert abs(found.values["mouth_open_slope"]) < 0.3


def test_a_late_mouth_fails_the_guard_by_its_lag(rows):
    found = guard(rows, "late")
    assert found.status == "failed"
    assert {"mouth_open_r", "mouth_lag"} <= set(found.values["failed"].split(", "))
    assert abs(found.values["mouth_lag"] - LATE) <= 1


def test_a_mouth_that_follows_passes(rows):
    assert guard(rows, "sharp").status == "passed"


def test_neither_deceit_may_win_and_an_honest_render_may(rows):
    for name in ("shut", "late"):
        assert verdict(rows, name).startswith(f"No winner between {name} and blurred on frame SSIM (tracked): {name} f")
    assert verdict(rows, "sharp").startswith("sharp is better than blurred on frame SSIM (tracked)")
