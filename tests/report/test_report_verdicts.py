"""Which word a difference gets, and the sentence it is said with."""

from dataclasses import replace

import pytest
from score_study import arm, noisy, study

from erlnet.errors import UserError
from erlnet.report.analysis import analyse
from erlnet.report.inputs import Check, Primary
from erlnet.report.sentences import cautions, conditions, headline
from erlnet.report.statistics import Estimate
from erlnet.report.verdicts import Arm, decide, margin

SOUND = Arm(True, True)
CLEAR = Estimate(0.02, 0.002, 11, 12, 1)
SMALL = Estimate(0.001, 0.0005, 11, 12, 1)
VAGUE = Estimate(0.01, 0.02, 11, 12, 1)


def word(difference, higher=True, arm=SOUND, baseline=SOUND, p=None, identical=False, limit=0.005):
    p = difference.p_value() if p is None else p
    return decide(difference, identical, p, higher, limit, arm, baseline)


def test_a_clear_difference_is_better_or_worse_by_the_direction_of_the_metric():
    assert word(CLEAR) == "better"
    assert word(CLEAR, higher=False) == "worse"
    assert word(replace(CLEAR, mean=-0.02)) == "worse"
    assert word(replace(CLEAR, mean=-0.02), higher=False) == "better"


def test_a_metric_without_a_direction_has_no_winner():
    assert word(CLEAR, higher=None) == "undecided"


def test_not_significant_is_not_tied():
    assert word(VAGUE) == "undecided"


def test_a_difference_within_the_margin_is_equivalent_even_where_it_differs_from_zero():
    assert SMALL.p_value() > 0.05
    assert word(SMALL) == "equivalent"
    assert word(replace(SMALL, standard_error=0.0001)) == "equivalent"
    assert word(replace(SMALL, standard_error=0.0001), limit=None) == "better"


def test_the_adjusted_p_decides():
    assert word(CLEAR, p=0.06) == "undecided"


def test_all_differences_zero_is_identical_whatever_the_gates_say():
    assert word(Estimate(0, 0, 11, 12, 1), identical=True, arm=Arm(False, False)) == "identical"


def test_a_failed_health_gate_on_either_side_blocks_every_verdict():
    for sides in ({"arm": Arm(False, True)}, {"baseline": Arm(False, True)}):
        assert word(CLEAR, **sides) == "blocked"
        assert word(SMALL, **sides) == "blocked"


def test_a_failed_mouth_guard_blocks_a_win_and_nothing_else():
    assert word(CLEAR, arm=Arm(True, False)) == "blocked"
    assert word(replace(CLEAR, mean=-0.02), arm=Arm(True, False)) == "worse"
    assert word(replace(CLEAR, mean=-0.02), baseline=Arm(True, False)) == "blocked"
    assert word(SMALL, arm=Arm(True, False)) == "equivalent"


def test_a_row_that_lost_the_face_in_more_than_1_percent_of_its_frames_cannot_win():
    assert word(CLEAR, arm=Arm(True, True, 0.01)) == "better"
    assert word(CLEAR, arm=Arm(True, True, 0.011)) == "blocked"


def test_margins_of_landmark_distances_scale_with_the_frame():
    assert margin("lmd", 256) == 0.2
    assert margin("lmd_mouth", 128) == pytest.approx(0.1)
    assert margin("ssim", 128) == 0.005
    assert margin("cpbd", 256) is None


def test_the_headline_names_winner_endpoint_interval_and_sample():
    found = analyse(study(arm("pixel", noisy(0.80, 1)), arm("feature", noisy(0.85, 2))))
    text = headline(found)
    low, high = found.primary[0].difference.interval()
    assert 0.03 < low < high < 0.07
    numbers = f"{found.primary[0].difference.mean:+.3f} [{low:+.3f}, {high:+.3f}]"
    sample = "12 clips, 1 seed (training randomness not covered)"
    assert text == f"feature is better than pixel on neck SSIM (tracked): {numbers}, {sample}."
    assert conditions(found) == ["Health gate passed by both.", "Mouth guard passed by both."]


def test_one_seed_is_said_to_cover_no_training_randomness_and_several_are_not():
    one = analyse(study(arm("pixel", noisy(0.80, 1)), arm("feature", noisy(0.85, 2))))
    three = analyse(
        study(arm("pixel", noisy(0.80, 1, seeds=(0, 1, 2))), arm("feature", noisy(0.85, 2, seeds=(0, 1, 2))))
    )
    assert any("does not cover training randomness" in text for text in cautions(one))
    assert not any("training randomness" in text for text in cautions(three))
    assert "12 clips, 3 seeds" in headline(three)


def test_the_demo_is_called_a_sanity_check_and_real_data_is_not():
    made = study(arm("pixel", noisy(0.8, 1)), arm("feature", noisy(0.85, 2)))
    assert "sanity check, not evidence" in cautions(analyse(made))[0]
    assert not any("sanity check" in text for text in cautions(analyse(replace(made, dataset="folder"))))


def test_the_same_scores_are_identical_by_construction_with_no_p():
    found = analyse(study(arm("a", noisy(0.8, 1)), arm("b", noisy(0.8, 1))))
    assert headline(found) == "b and a are identical by construction on neck SSIM (tracked): every clip reads the same."
    assert found.primary[0].p is None


def test_a_blocked_win_says_who_failed_what():
    failed = arm("feature", noisy(0.85, 2), mouth_guard=Check("failed", {"r": 0.1}))
    found = analyse(study(arm("pixel", noisy(0.80, 1)), failed))
    assert headline(found).startswith("No winner between feature and pixel on neck SSIM (tracked): feature failed the")
    assert conditions(found)[1] == "Mouth guard failed by feature; passed by pixel."


def test_several_variants_are_summed_up_and_adjusted_after_holm():
    arms = [arm("pixel", noisy(0.80, 1)), arm("feature", noisy(0.86, 2)), arm("volume", noisy(0.74, 3))]
    found = analyse(study(*arms, arm("attention", noisy(0.8005, 4, spread=0.03))))
    assert {c.variant: c.verdict for c in found.primary} == {
        "feature": "better", "volume": "worse", "attention": "undecided",
    }  # fmt: skip
    assert headline(found).endswith("Of 3 compared with pixel: 1 better, 1 undecided, 1 worse.")
    ordered = sorted(found.primary, key=lambda c: c.p)
    assert ordered[0].p_adjusted == pytest.approx(3 * ordered[0].p)
    assert any("would find a true difference of" in text for text in cautions(found))


def test_lower_is_better_is_said():
    rows = [noisy(0.2, 1, metric="lpips", region="frame"), noisy(0.1, 2, metric="lpips", region="frame")]
    made = replace(study(arm("a", rows[0]), arm("b", rows[1])), primary=Primary("lpips", "frame", "tracked"))
    text = headline(analyse(made))
    assert text.startswith("b is better than a on frame LPIPS (tracked): −0.1")
    assert "lower is better" in text


def test_a_baseline_that_failed_leaves_no_verdict():
    found = analyse(study(arm("pixel", None, status="failed", error="out of memory"), arm("feature", noisy(0.8, 1))))
    assert headline(found).startswith("No verdict: the baseline pixel has not finished")
    assert found.comparisons == ()


def test_a_single_variant_is_read_against_the_floor():
    text = headline(analyse(study(arm("feature", noisy(0.8, 1)), floor=0.6)))
    assert text.startswith("feature reads 0.80")
    assert "of the way from mean_frame to the truth" in text


def test_a_primary_metric_that_is_unavailable_gives_its_reason_and_remedy():
    from erlnet.report.inputs import Unavailable

    missing = (Unavailable("lpips", "the asset 'lpips' is missing", "python -m erlnet assets fetch lpips"),)
    arms = [arm("a", noisy(0.8, 1), unavailable=missing), arm("b", noisy(0.8, 2), unavailable=missing)]
    text = headline(analyse(replace(study(*arms), primary=Primary("lpips", "frame", "tracked"))))
    assert text.startswith("No verdict: frame LPIPS (tracked) is unavailable (the asset 'lpips' is missing).")
    assert text.endswith("python -m erlnet assets fetch lpips")


def test_two_rows_of_one_name_are_refused():
    with pytest.raises(UserError, match="two rows are called 'mean_frame'"):
        analyse(study(arm("mean_frame", noisy(0.8, 1)), floor=0.5))


def test_a_a_studies_with_disjoint_seeds_are_rarely_called():
    calls = 0
    for trial in range(60):
        made = [noisy(0.8, trial * 10 + k, seeds=(0, 1, 2), spread=0.006, seed_spread=0.006) for k in range(2)]
        found = analyse(study(arm("a", made[0]), arm("b", made[1])))
        calls += "is better than" in headline(found) or "is worse than" in headline(found)
    assert calls <= 9  # 60 x .07 = 4.2 expected at most; 9 is passed with a chance of 1 in 60
