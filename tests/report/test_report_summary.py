"""`summary.json` against its written shape, and against numbers worked out apart from the code under test."""

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from score_study import arm, noisy
from score_study import study as scores_only
from synthetic_study import make_study

from erlnet.report.analysis import analyse
from erlnet.report.inputs import Unavailable
from erlnet.report.summary import CSV_COLUMNS, plain, summary, summary_table
from erlnet.report.write import write_report

NUMBER, TEXT = (int, float), str
OPTIONAL = (int, float, type(None))
SCORE = {
    "metric": TEXT, "region": TEXT, "driving": TEXT, "mean": OPTIONAL, "ci_low": OPTIONAL, "ci_high": OPTIONAL,
    "n_clips": int, "n_seeds": int, "higher_is_better": (bool, type(None)), "unit": TEXT, "gain": OPTIONAL,
}  # fmt: skip
CHECK = {"status": TEXT, "values": dict}
VARIANT = {
    "name": TEXT, "config": dict, "options": dict, "hash": TEXT, "status": TEXT, "error": (str, type(None)),
    "n_seeds": int, "health": CHECK, "mouth_guard": CHECK, "scores": [SCORE],
    "cost": {
        "seconds": OPTIONAL, "peak_rss_bytes": OPTIONAL, "parameters": dict, "multiply_adds_per_frame": OPTIONAL,
    },
    "plan": {"stages": (dict, list), "shared_with": (dict, list)},
    "unavailable": [{"metric": TEXT, "reason": TEXT, "remedy": TEXT}],
    "budget": [{
        "share": NUMBER, "steps": int, "metric": TEXT, "region": TEXT, "driving": TEXT, "value": NUMBER,
    }],
}  # fmt: skip
COMPARISON = {
    "variant": TEXT, "baseline": TEXT, "metric": TEXT, "region": TEXT, "driving": TEXT, "difference": NUMBER,
    "ci_low": OPTIONAL, "ci_high": OPTIONAL, "p": OPTIONAL, "p_adjusted": OPTIONAL, "verdict": TEXT, "n_clips": int,
    "n_seeds": int, "n_speakers": (int, type(None)), "clips_left_out": [TEXT], "seeds_left_out": [int],
    "exploratory": bool, "margin": OPTIONAL, "power": OPTIONAL, "detectable": OPTIONAL, "speakers_ci_low": OPTIONAL,
    "speakers_ci_high": OPTIONAL,
}  # fmt: skip
SUMMARY = {
    "schema": int, "study": TEXT, "command": TEXT, "primary": {"metric": TEXT, "region": TEXT, "driving": TEXT},
    "baseline": TEXT, "variants": [VARIANT], "references": [{"name": TEXT, "role": TEXT, "scores": [SCORE]}],
    "comparisons": [COMPARISON], "environment": dict,
}  # fmt: skip
WORDS = {
    "status": {"done", "failed", "missing", "passed", "n/a"},
    "role": {"floor", "control", "ceiling"},
    "verdict": {"better", "worse", "equivalent", "undecided", "identical", "not_converged", "blocked"},
}


def assert_shape(value, shape, where="summary"):
    """Keys and types, exactly; a list holds items of one shape."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), where
        assert set(value) == set(shape), f"{where}: {set(value) ^ set(shape)}"
        for key, inner in shape.items():
            assert_shape(value[key], inner, f"{where}.{key}")
            if key in WORDS:
                assert value[key] in WORDS[key], f"{where}.{key}: {value[key]}"
    elif isinstance(shape, list):
        assert isinstance(value, list), where
        for index, item in enumerate(value):
            assert_shape(item, shape[0], f"{where}[{index}]")
    else:
        assert isinstance(value, shape), f"{where}: {value!r}"
        assert not isinstance(value, float) or math.isfinite(value), where


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("frames"), n_clips=3, n_frames=4, failed=True)


@pytest.fixture(scope="module")
def content(study):
    return json.loads(json.dumps(summary(analyse(study)), allow_nan=False))


def pick(rows, metric, region, driving="tracked"):
    return next(r for r in rows if (r["metric"], r["region"], r["driving"]) == (metric, region, driving))


def test_the_summary_has_the_keys_and_types_of_schema_1(content):
    assert_shape(content, SUMMARY)
    assert content["schema"] == 1


def test_a_score_is_the_mean_over_clips_of_the_mean_over_frames_with_a_t_interval(study, content):
    rows = study.variants[1].scores
    rows = rows[(rows["metric"] == "ssim") & (rows["region"] == "neck")]
    clips = [rows[rows["clip"] == c]["value"].mean() for c in ("clip00", "clip01", "clip02")]
    half = 4.302653 * np.std(clips, ddof=1) / 3**0.5  # t(2, .975)
    score = pick(content["variants"][1]["scores"], "ssim", "neck")
    assert score["mean"] == pytest.approx(np.mean(clips))
    assert (score["ci_low"], score["ci_high"]) == pytest.approx((np.mean(clips) - half, np.mean(clips) + half))
    assert (score["n_clips"], score["n_seeds"], score["unit"], score["higher_is_better"]) == (3, 1, "", True)


def test_the_gain_is_the_way_from_the_best_floor_to_the_truth(content):
    floors = [pick(r["scores"], "ssim", "mouth")["mean"] for r in content["references"] if r["role"] == "floor"]
    score = pick(content["variants"][0]["scores"], "ssim", "mouth")
    assert score["gain"] == pytest.approx((score["mean"] - max(floors)) / (1 - max(floors)))


def test_the_gain_in_db_is_that_of_the_squared_error(content):
    floors = [pick(r["scores"], "psnr", "frame")["mean"] for r in content["references"] if r["role"] == "floor"]
    score = pick(content["variants"][0]["scores"], "psnr", "frame")
    ratio = 10 ** (-score["mean"] / 10) / 10 ** (-max(floors) / 10)
    assert score["gain"] == pytest.approx(1 - ratio)


def test_controls_are_no_floors(content):
    # frozen_mouth reads a higher frame SSIM than any floor; were it one, the gain would be negative
    control = next(r for r in content["references"] if r["name"] == "frozen_mouth")
    score = pick(content["variants"][0]["scores"], "ssim", "frame")
    assert pick(control["scores"], "ssim", "frame")["mean"] > score["mean"]
    assert score["gain"] > 0


def test_a_value_joined_over_short_clips_has_no_interval(content):
    score = pick(content["variants"][0]["scores"], "mouth_open_r", "mouth")
    assert (score["n_clips"], score["ci_low"], score["ci_high"]) == (1, None, None)
    found = pick(content["comparisons"], "mouth_open_r", "mouth")
    assert (found["p"], found["verdict"]) == (None, "undecided")


def test_a_reference_without_a_value_is_null_and_keeps_its_row(content):
    control = next(r for r in content["references"] if r["name"] == "frozen_mouth")
    score = pick(control["scores"], "mouth_open_r", "mouth")
    assert (score["mean"], score["n_clips"]) == (None, 0)


def test_the_comparison_is_paired_by_clip(study, content):
    def clip_means(variant):
        rows = variant.scores[(variant.scores["metric"] == "ssim") & (variant.scores["region"] == "neck")]
        return rows.groupby("clip")["value"].mean()

    difference = clip_means(study.variants[1]) - clip_means(study.variants[0])
    found = pick(content["comparisons"], "ssim", "neck")
    assert found["difference"] == pytest.approx(difference.mean())
    assert found["ci_high"] - found["ci_low"] == pytest.approx(2 * 4.302653 * difference.std() / 3**0.5)
    assert (found["variant"], found["baseline"], found["n_clips"]) == ("feature", "pixel", 3)


def test_a_failed_variant_is_listed_with_its_error_and_without_scores(content):
    failed = content["variants"][2]
    assert (failed["name"], failed["status"], failed["scores"]) == ("attention", "failed", [])
    assert "NaN at step 412" in failed["error"]
    assert not any(c["variant"] == "attention" for c in content["comparisons"])


def test_a_family_that_is_unavailable_is_spelled_out_metric_by_metric():
    missing = (Unavailable("landmarks", "no detector", "fetch it"),)
    found = summary(analyse(scores_only(arm("a", noisy(0.8, 1), unavailable=missing))))
    names = [u["metric"] for u in found["variants"][0]["unavailable"]]
    assert {"lmd", "lmd_mouth", "mouth_open_r"} <= set(names)


def test_series_for_the_curves_are_no_scores(content):
    assert not any(s["metric"] == "mouth_open" for v in content["variants"] for s in v["scores"])


def test_nan_infinity_paths_and_numpy_become_plain():
    made = plain(
        {"a": float("nan"), "b": np.float32(np.inf), "c": (np.int64(3), Path("x/y")), 4: np.array([1.5, np.nan])}
    )
    assert made == {"a": None, "b": None, "c": [3, "x/y"], "4": [1.5, None]}


def test_the_csv_repeats_the_json_row_by_row(study, content):
    rows = summary_table(analyse(study))
    assert all(tuple(row) == CSV_COLUMNS for row in rows)
    mine = next(r for r in rows if (r["name"], r["metric"], r["region"]) == ("feature", "ssim", "neck"))
    comparison = pick(content["comparisons"], "ssim", "neck")
    assert mine["kind"] == "variant"
    assert mine["mean"] == pick(content["variants"][1]["scores"], "ssim", "neck")["mean"]
    assert mine["verdict"] == comparison["verdict"]
    assert mine["difference_ci_low"] == comparison["ci_low"]
    assert [r["status"] for r in rows if r["name"] == "attention"] == ["failed"]


def test_clips_that_one_side_lacks_are_left_out_and_counted():
    short = noisy(0.85, 2)
    short = short[~short["clip"].isin(["c03", "c07"])]
    found = analyse(scores_only(arm("a", noisy(0.8, 1)), arm("b", short)))
    assert found.primary[0].paired.dropped == ("c03", "c07")
    assert found.primary[0].difference.n_clips == 10


def test_write_report_leaves_three_files_and_no_leftovers(study, tmp_path):
    page = write_report(study, tmp_path / "deep" / "report")
    assert page == tmp_path / "deep" / "report" / "report.html"
    assert sorted(p.name for p in page.parent.iterdir()) == ["report.html", "summary.csv", "summary.json"]
    with (page.parent / "summary.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(summary_table(analyse(study)))
    assert_shape(json.loads((page.parent / "summary.json").read_text()), SUMMARY)


def test_writing_again_replaces_the_report(study, tmp_path):
    write_report(study, tmp_path)
    write_report(replace(study, name="another"), tmp_path)
    assert json.loads((tmp_path / "summary.json").read_text())["study"] == "another"
    assert "another" in (tmp_path / "report.html").read_text()


def test_a_study_whose_every_variant_failed_still_has_a_report(tmp_path):
    made = scores_only(arm("a", None, status="failed", error="no space left"), arm("b", None, status="missing"))
    text = write_report(made, tmp_path).read_text()
    assert "No verdict: none of 2 variants finished." in text
    assert "no space left" in text
    assert json.loads((tmp_path / "summary.json").read_text())["comparisons"] == []


def test_scores_of_several_seeds_stay_in_one_row(tmp_path):
    made = pd.concat([noisy(0.8, 1, seeds=(0,)), noisy(0.82, 2, seeds=(1,))])
    found = summary(analyse(scores_only(arm("a", made))))
    assert len(found["variants"][0]["scores"]) == 1
    assert found["variants"][0]["scores"][0]["n_seeds"] == found["variants"][0]["n_seeds"] == 2
