"""What shares of the renderer's steps say: the table, the summary, and a ranking that flips."""

from dataclasses import replace

import pandas as pd
import pytest
from score_study import arm, noisy, study

from erlnet.report.analysis import analyse
from erlnet.report.inputs import BudgetPoint, Primary
from erlnet.report.sentences import headline
from erlnet.report.summary import summary
from erlnet.report.tables import budget_table
from erlnet.report.verdicts import ranking_flips
from erlnet.runs.budget_points import share_means


def points(*values, metric="ssim", region="neck"):
    shares = (0.25, 0.5, 1.0)
    return tuple(BudgetPoint(s, round(1000 * s), metric, region, "tracked", v) for s, v in zip(shares, values))


def two(pixel, feature, gap=0.05, spread=0.01):
    """pixel at .80 and feature `gap` above it, with the scores over the steps that are given."""
    first, second = arm("pixel", noisy(0.80, 1, spread=spread)), arm("feature", noisy(0.80 + gap, 2, spread=spread))
    return study(replace(first, budget=points(*pixel)), replace(second, budget=points(*feature)))


def verdict(made) -> str:
    return analyse(made).primary[0].verdict


def test_a_ranking_that_flips_between_half_and_all_of_the_steps_is_not_converged():
    made = two((0.6, 0.75, 0.80), (0.5, 0.70, 0.85))
    assert verdict(made) == "not_converged"
    assert headline(analyse(made)).startswith("Not converged: feature against pixel on neck SSIM (tracked) changes")


def test_a_flip_between_a_quarter_and_half_says_nothing():
    assert verdict(two((0.6, 0.70, 0.80), (0.5, 0.75, 0.85))) == "better"


def test_without_such_scores_the_verdict_is_as_ever():
    assert verdict(two((), ())) == "better"
    assert verdict(two((0.6, 0.75, 0.80), ())) == "better"


def test_a_flip_too_small_to_matter_is_none():
    assert not ranking_flips(-0.004, 0.003, 0.005)
    assert ranking_flips(-0.006, 0.003, 0.005)
    assert ranking_flips(-0.001, 0.001, None)
    assert not ranking_flips(0.1, 0.2, 0.005)
    assert not ranking_flips(0.0, 0.2, 0.005)


def test_equivalent_stays_equivalent():
    assert verdict(two((0.6, 0.75, 0.80), (0.5, 0.70, 0.80001), gap=0.0, spread=0.0005)) == "equivalent"


def test_only_the_primary_endpoint_can_be_not_converged():
    scores = [
        pd.concat([noisy(0.8 + gap, seed), noisy(0.8 + gap, seed, region="mouth")])
        for gap, seed in ((0.0, 1), (0.05, 2))
    ]
    arms = [replace(arm(n, s), budget=points(*b)) for n, s, b in zip(
        ("pixel", "feature"), scores, ((0.6, 0.75, 0.80), (0.5, 0.70, 0.85))
    )]  # fmt: skip
    found = {c.region: c.verdict for c in analyse(study(*arms)).comparisons}
    assert found == {"neck": "not_converged", "mouth": "better"}


def test_summary_and_table_hold_the_three_values():
    made = two((0.6, 0.75, 0.80), (0.5, 0.70, 0.85))
    rows = summary(analyse(made))["variants"][1]["budget"]
    assert rows == [
        {"share": s, "steps": n, "metric": "ssim", "region": "neck", "driving": "tracked", "value": v}
        for s, n, v in ((0.25, 250, 0.5), (0.5, 500, 0.70), (1.0, 1000, 0.85))
    ]
    table = budget_table(made.variants)
    assert table["shares"] == [0.25, 0.5, 1.0]
    assert table["rows"] == [("pixel", 1000, [0.6, 0.75, 0.80]), ("feature", 1000, [0.5, 0.70, 0.85])]
    assert budget_table(two((), ()).variants) is None


def test_a_share_is_the_mean_over_clips_of_the_clips_means(tmp_path):
    (tmp_path / "scores.csv").write_text(
        "row,clip,frame,metric,region,value\n"
        "half,a,0,ssim,neck,0.2\nhalf,a,5,ssim,neck,0.4\nhalf,b,0,ssim,neck,0.9\nhalf,b,5,ssim,neck,\n"
        "half,b,0,ssim,frame,0.1\nall,a,0,ssim,neck,0.5\nquarter,a,0,ssim,neck,\n"
    )
    found = share_means(tmp_path / "scores.csv", Primary("ssim", "neck", "tracked"))
    assert found == pytest.approx({"half": 0.6, "all": 0.5})  # (.3 + .9) / 2
