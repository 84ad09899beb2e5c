"""Estimates against hand numbers, scipy and simulation."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from erlnet.errors import UserError
from erlnet.report.statistics import (
    Estimate,
    benjamini_hochberg,
    clip_scores,
    estimate,
    group_means,
    holm,
    paired_differences,
    score_table,
)

TABLES = st.tuples(st.integers(2, 8), st.integers(1, 5), st.integers(0, 2**32 - 1)).map(
    lambda p: np.random.default_rng(p[2]).normal(0.5, 0.1, p[:2])
)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def long_table(rows):
    return pd.DataFrame(rows, columns=["seed", "clip", "driving", "frame", "metric", "region", "value"])


def series(values: dict[tuple[str, int], float]) -> pd.Series:
    return pd.Series(values).rename_axis(["clip", "seed"])


def test_frames_are_averaged_within_a_clip_before_anything_else():
    rows = [(0, "long", "tracked", t, "ssim", "frame", 1.0) for t in range(98)]
    rows += [(0, "short", "tracked", t, "ssim", "frame", 0.0) for t in range(2)]
    scores = clip_scores(long_table(rows))["ssim", "frame", "tracked"]
    assert scores.to_dict() == {("long", 0): 1.0, ("short", 0): 0.0}
    assert estimate(score_table(scores)[0]).mean == 0.5  # not .98: a clip is one sample however long it is


def test_a_frame_without_a_value_is_left_out_of_its_clip_and_a_clip_without_any_is_empty():
    rows = [(0, "a", "tracked", t, "lmd", "face", v) for t, v in enumerate([1.0, np.nan, 3.0])]
    rows += [(0, "b", "tracked", t, "lmd", "face", np.nan) for t in range(2)]
    scores = clip_scores(long_table(rows))["lmd", "face", "tracked"]
    assert scores["a", 0] == 2.0
    assert np.isnan(scores["b", 0])
    table, clips, seeds, dropped = score_table(scores)
    assert (table.tolist(), clips, seeds, dropped) == ([[2.0]], ["a"], [0], ["b"])


def test_a_value_given_once_per_speaker_passes_through_with_an_empty_frame():
    scores = clip_scores(long_table([(0, "anna", "audio", None, "mouth_open_r", "mouth", 0.8)]))
    assert scores["mouth_open_r", "mouth", "audio"].to_dict() == {("anna", 0): 0.8}


def test_one_seed_gives_the_paired_t_test_over_clips():
    rng = np.random.default_rng(1)
    ours, theirs = rng.normal(0.85, 0.03, 12), rng.normal(0.84, 0.03, 12)
    found = estimate((ours - theirs)[:, None])
    expected = stats.ttest_rel(ours, theirs)
    assert found.p_value() == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.interval() == pytest.approx(tuple(expected.confidence_interval(0.95)), rel=1e-9)
    assert (found.df, found.n_clips, found.n_seeds) == (11, 12, 1)


def test_one_seed_by_hand():
    # mean 2, sd 1, se 1/sqrt(3); t(2, .975) = 4.302653
    found = estimate(np.array([[1.0], [2.0], [3.0]]))
    assert found.mean == 2
    assert found.standard_error == pytest.approx(3**-0.5)
    assert found.interval() == pytest.approx((2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5), rel=1e-6)


def test_crossed_clips_and_seeds_by_hand():
    # rows clips, columns seeds; grand mean 3.5
    # clip means 1.5, 3.5, 5.5 -> MS_clip = 2 * 4 = 8 on 2; seed means 3, 4 -> MS_seed = 3 * .5 = 1.5 on 1
    # variance (8 + 1.5) / 6; the 25 % quantile of chi square with 1 degree of freedom is .101531, so that the upper
    # limit of MS_seed is 1.5 / .101531 = 14.7738; Satterthwaite 22.7738^2 / (64/2 + 218.265/1) = 2.0724
    found = estimate(np.array([[1.5, 1.5], [3.0, 4.0], [4.5, 6.5]]))
    assert found.mean == pytest.approx(3.5)
    assert found.standard_error == pytest.approx((9.5 / 6) ** 0.5)
    assert found.df == pytest.approx(2.0724, abs=1e-3)


def test_seeds_that_agree_exactly_leave_the_interval_over_clips():
    # seed means are equal, so MS_seed = 0; what is left is the t interval over clip means
    table = np.array([[1.0, 2.0], [2.0, 1.0], [5.0, 6.0], [6.0, 5.0]])
    assert table.mean(axis=0).tolist() == [3.5, 3.5]
    over_clips = estimate(table.mean(axis=1, keepdims=True))
    found = estimate(table)
    assert (found.standard_error, found.df) == (pytest.approx(over_clips.standard_error), over_clips.df)


@given(TABLES)
def test_the_seeds_never_narrow_the_interval_below_that_of_the_clip_means(table):
    crossed, over_clips = estimate(table), estimate(table.mean(axis=1, keepdims=True))
    assert crossed.mean == pytest.approx(over_clips.mean)
    assert crossed.standard_error >= over_clips.standard_error * (1 - 1e-9)


@given(TABLES, st.floats(-3, 3), st.floats(0.1, 10))
def test_the_estimate_moves_and_scales_with_the_data(table, shift, scale):
    plain, moved = estimate(table), estimate(table * scale + shift)
    assert moved.mean == pytest.approx(plain.mean * scale + shift)
    assert moved.standard_error == pytest.approx(plain.standard_error * scale, rel=1e-6)


def test_one_clip_has_a_mean_and_no_interval():
    found = estimate(np.array([[0.5, 0.6]]))
    assert found.mean == pytest.approx(0.55)
    assert found.interval() is None
    assert found.p_value() is None
    assert found.equivalence_p(0.1) is None
    assert found.detectable() is None


@pytest.mark.parametrize("table", [np.empty((0, 1)), np.array([[1.0], [np.nan]]), np.array([[1.0], [np.inf]])])
def test_a_table_that_is_empty_or_has_holes_or_infinities_is_refused(table):
    with pytest.raises(ValueError, match="holes"):
        estimate(table)


def test_pairing_uses_the_clips_and_seeds_that_both_sides_have():
    ours = series({("a", 0): 1.0, ("a", 1): 2.0, ("b", 0): 3.0, ("b", 1): 4.0, ("c", 0): 9.0, ("c", 1): np.nan})
    theirs = series({("a", 1): 0.5, ("a", 2): 0.0, ("b", 1): 1.0, ("c", 1): 0.0, ("d", 1): 0.0})
    found = paired_differences(ours, theirs)
    assert found.table.tolist() == [[1.5], [3.0]]
    assert (found.clips, found.seeds, found.dropped) == (("a", "b"), (1,), ("c", "d"))
    assert found.dropped_seeds == (0, 2)


def test_an_infinite_score_is_refused_by_name_and_not_averaged():
    rows = [(0, "a", "tracked", 0, "psnr", "frame", 30.0), (0, "b", "tracked", 0, "psnr", "frame", np.inf)]
    with pytest.raises(UserError, match=r"psnr of clip b, seed 0, is infinite.*cap the metric"):
        clip_scores(long_table(rows))


def test_a_group_is_one_sample_however_many_clips_it_has():
    table = np.array([[1.0, 3.0], [3.0, 5.0], [10.0, 20.0]])
    assert group_means(table, ["anna", "anna", "ben"]).tolist() == [[2.0, 4.0], [10.0, 20.0]]
    assert group_means(table, ["ben", "anna", "ben"]).tolist() == [[5.5, 11.5], [3.0, 5.0]]


def test_nothing_in_common_gives_an_empty_table():
    found = paired_differences(series({("a", 0): 1.0}), series({("b", 0): 1.0}))
    assert found.table.size == 0
    assert found.dropped == ("a", "b")


def test_equivalence_is_schuirmanns_two_one_sided_tests():
    values = np.random.default_rng(0).normal(0.001, 0.004, 12)
    found = estimate(values[:, None]).equivalence_p(0.005)
    lower = stats.ttest_1samp(values, -0.005, alternative="greater").pvalue
    upper = stats.ttest_1samp(values, 0.005, alternative="less").pvalue
    assert found == pytest.approx(max(lower, upper), rel=1e-9)


@given(TABLES)
def test_equivalence_at_5_percent_is_a_90_percent_interval_within_the_margin(table):
    found = estimate(table - 0.5)
    low, high = found.interval(0.9)
    assert (found.equivalence_p(0.05) < 0.05) == (low > -0.05 and high < 0.05)


def test_holm_by_hand():
    # sorted .01 .02 .04 -> 3 * .01, 2 * .02, 1 * .04
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.5, 0.9]) == [1.0, 1.0]


@given(P_VALUES)
def test_benjamini_and_hochberg_agree_with_scipy(p_values):
    assert benjamini_hochberg(p_values) == pytest.approx(stats.false_discovery_control(p_values), abs=1e-12)


@given(P_VALUES)
def test_holm_lies_between_the_raw_p_and_bonferroni(p_values):
    for raw, adjusted in zip(p_values, holm(p_values)):
        assert raw <= adjusted <= min(1.0, raw * len(p_values))


def test_the_detectable_difference_is_found_with_the_power_asked_for():
    design = Estimate(0.0, 0.002, 11.0, 12, 1)
    shift = design.detectable(0.8) / 0.002
    critical = stats.t.ppf(0.975, 11)
    assert stats.nct.sf(critical, 11, shift) == pytest.approx(0.8, abs=1e-6)


@given(st.floats(0, 0.02), st.integers(2, 30), st.floats(0.01, 0.05))
def test_power_is_the_tail_of_scipys_noncentral_t_whatever_the_sign(difference, df, level):
    found = Estimate(0.3, 0.004, float(df), df + 1, 1)
    expected = stats.nct.sf(stats.t.ppf(1 - level / 2, df), df, difference / 0.004)
    assert found.power(difference, level) == pytest.approx(expected, abs=1e-6)
    assert found.power(-difference, level) == found.power(difference, level)


@given(st.floats(0.1, 0.95), st.sampled_from([0.05, 0.05 / 3]))
def test_the_detectable_difference_is_that_which_has_the_power(power, level):
    design = Estimate(0.0, 0.002, 4.0, 5, 1)
    assert design.power(design.detectable(power, level), level) == pytest.approx(power, abs=1e-6)


def test_a_design_without_spread_finds_anything():
    assert Estimate(0.1, 0.0, 3.0, 4, 1).power(1e-9) == 1.0
    assert Estimate(0.1, 0.0, 3.0, 4, 1).detectable() == 0.0


def crossed_tables(n, clips, seeds, clip_sd, seed_sd, rest_sd, difference=0.0):
    rng = np.random.default_rng(clips * 10 + seeds)
    return (
        difference
        + rng.normal(0, clip_sd, (n, clips, 1))
        + rng.normal(0, seed_sd, (n, 1, seeds))
        + rng.normal(0, rest_sd, (n, clips, seeds))
    )


@pytest.mark.parametrize(("clips", "seeds"), [(c, s) for c in (4, 12, 30) for s in (3, 5)])
def test_studies_without_a_difference_are_called_at_most_7_percent_of_the_time(clips, seeds):
    tables = crossed_tables(1000, clips, seeds, 0.006, 0.006, 0.004)
    assert np.mean([estimate(t).p_value() < 0.05 for t in tables]) <= 0.07


def test_one_seed_calls_half_of_the_studies_where_training_is_as_random_as_the_clips():
    # one seed: the interval over clips cannot see that the training itself came out high or low
    tables = crossed_tables(1000, 12, 1, 0.006, 0.006, 0.004)
    assert 0.4 < np.mean([estimate(t).p_value() < 0.05 for t in tables]) < 0.6  # the page says: half


@pytest.mark.parametrize(("clips", "seeds", "power"), [(12, 5, 0.88), (4, 3, 0.38)])
def test_the_stated_power_is_reproduced(clips, seeds, power):
    tables = crossed_tables(1000, clips, seeds, 0.006, 0.006, 0.004, 0.012)
    assert np.mean([estimate(t).p_value() < 0.05 for t in tables]) == pytest.approx(power, abs=0.05)
