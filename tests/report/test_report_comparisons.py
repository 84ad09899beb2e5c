"""What a verdict rests on: what the design can find, whom it speaks for, what was left out."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from score_study import arm, noisy, study

from erlnet.report.analysis import analyse
from erlnet.report.inputs import SCORE_COLUMNS, Check, TruthClip
from erlnet.report.sentences import cautions, headline, others
from erlnet.report.summary import summary


def shown(made, speakers):
    """The study with a truth for every clip, of that speaker."""
    clips = tuple(TruthClip(f"c{i:02d}", None, 25, speaker=name) for i, name in enumerate(speakers))
    return replace(made, clips=clips)


def scores(values, metric="ssim", region="neck", clips=None):
    """`values` (n_clips, n_seeds) -> a score table."""
    table = np.atleast_2d(values)
    names = clips or [f"c{i:02d}" for i in range(len(table))]
    rows = [(s, n, "tracked", None, metric, region, v) for n, row in zip(names, table) for s, v in enumerate(row)]
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def two(ours, theirs, **more):
    return study(arm("pixel", scores(theirs)), arm("feature", scores(ours), **more))


def test_the_power_printed_is_that_of_the_t_test_at_the_margin():
    found = analyse(study(arm("pixel", noisy(0.80, 1)), arm("feature", noisy(0.85, 2))))
    first = found.primary[0]
    error = np.std(first.paired.table[:, 0], ddof=1) / 12**0.5
    power = stats.nct.sf(stats.t.ppf(0.975, 11), 11, 0.005 / error)  # .005 SSIM is the least that matters
    assert first.power == pytest.approx(power, abs=1e-6)
    assert f"{power:.2f} for 0.005, the least that matters; 0.80 for {first.detectable:.3f}." in others(found)[0]
    assert "training randomness left out" in others(found)[0]
    row = summary(found)["comparisons"][0]
    assert (row["power"], row["margin"], row["exploratory"]) == (first.power, 0.005, False)


def test_several_variants_share_the_level_and_each_prints_its_power():
    arms = [arm(name, noisy(0.80 + 0.02 * i, i)) for i, name in enumerate(("pixel", "feature", "volume", "attention"))]
    found = analyse(study(*arms))
    assert [c.level for c in found.primary] == [pytest.approx(0.05 / 3)] * 3
    alone = analyse(study(*arms[:2]))
    assert found.primary[0].power < alone.primary[0].power
    assert all("shared over 3 variants" in text for text in others(found))


def test_an_exploratory_comparison_is_marked_and_keeps_the_whole_level():
    both = [pd.concat([noisy(0.8, i), noisy(0.9, i + 5, region="frame")]) for i in range(3)]
    found = analyse(study(*(arm(f"v{i}", table) for i, table in enumerate(both))))
    levels = {(c.region, c.level) for c in found.comparisons}
    assert levels == {("neck", 0.025), ("frame", 0.05)}
    rows = summary(found)["comparisons"]
    assert {row["region"]: row["exploratory"] for row in rows} == {"neck": False, "frame": True}


def test_four_speakers_are_four_samples_for_a_claim_about_people():
    rng = np.random.default_rng(3)
    person = np.array([0.05, -0.01, 0.03, 0.00])  # by how much each gains
    theirs = rng.normal(0.8, 0.02, (12, 1))
    ours = theirs + person.repeat(3)[:, None] + rng.normal(0, 0.001, (12, 1))
    found = analyse(shown(two(ours, theirs), [name for name in "abcd" for _ in range(3)]))
    first = found.primary[0]
    expected = stats.ttest_1samp((ours - theirs).reshape(4, 3).mean(axis=1), 0)
    low, high = expected.confidence_interval(0.95)
    assert first.people.interval() == pytest.approx((low, high))
    assert first.verdict == "better"  # on these clips
    assert low < 0 < high
    assert "12 clips of 4 speakers, 1 seed" in headline(found)
    assert "For a claim about people n is 4, not the number of clips" in others(found)[0]
    assert "zero lies within, so other people may differ" in others(found)[0]
    row = summary(found)["comparisons"][0]
    assert (row["n_speakers"], row["speakers_ci_low"]) == (4, pytest.approx(low))


def test_speakers_keep_their_seeds_apart():
    values = np.random.default_rng(0).normal(0, 0.01, (4, 3))
    found = analyse(shown(two(0.8 + values, np.full((4, 3), 0.8)), "aabb"))
    people = found.primary[0].people
    assert (people.n_clips, people.n_seeds) == (2, 3)


def test_one_speaker_or_nobody_known_has_no_claim_about_people():
    made = study(arm("pixel", noisy(0.8, 1)), arm("feature", noisy(0.85, 2)))
    for speakers, n in ((["a"] * 12, 1), ([], 0), (["a", "b"] * 5 + ["", ""], 0)):
        first = analyse(shown(made, speakers)).primary[0]
        assert (first.people, first.n_speakers) == (None, n)
        assert "speakers" not in headline(analyse(shown(made, speakers)))


def test_joined_clips_are_known_by_their_first():
    names = ["c00+c01", "c02", "c03"]
    made = study(*(arm(n, scores(v, clips=names)) for n, v in (("x", [[0.1], [0.2], [0.4]]), ("y", [[0.2]] * 3))))
    assert analyse(shown(made, "aabc")).primary[0].n_speakers == 3


def test_clips_and_seeds_that_one_side_lacks_are_counted_in_the_verdict_sentence():
    ours, theirs = noisy(0.85, 2, seeds=(0, 1, 2)), noisy(0.80, 1, seeds=(0, 1))
    ours.loc[(ours["clip"] == "c03") & (ours["seed"] == 1), "value"] = np.nan
    theirs = theirs[theirs["clip"] != "c07"]
    found = analyse(study(arm("pixel", theirs), arm("feature", ours)))
    assert headline(found).endswith("10 clips, 2 seeds, without 2 clips and 1 seed that one side lacks.")
    row = summary(found)["comparisons"][0]
    assert (row["clips_left_out"], row["seeds_left_out"], row["n_clips"]) == (["c03", "c07"], [2], 10)
    assert "lacks" not in headline(analyse(study(arm("a", noisy(0.8, 1)), arm("b", noisy(0.9, 2)))))


def test_a_variant_whose_every_score_is_missing_has_no_verdict():
    found = analyse(two(np.full((3, 1), np.nan), [[0.1], [0.2], [0.3]]))
    assert headline(found) == (
        "No verdict: no clip has a value of neck SSIM (tracked) on both sides under the same seed."
    )
    assert found.scores["feature"]["ssim", "neck", "tracked"].estimate is None


def test_seeds_that_are_not_the_same_ones_are_not_paired():
    found = analyse(study(arm("a", noisy(0.8, 1, seeds=(0, 1))), arm("b", noisy(0.9, 2, seeds=(2, 3)))))
    assert headline(found).startswith("No verdict: no clip has a value")


def test_one_clip_is_undecided_however_large_its_difference():
    found = analyse(two([[0.9]], [[0.1]]))
    assert found.primary[0].verdict == "undecided"
    assert headline(found) == (
        "Undecided: feature against pixel on neck SSIM (tracked) is +0.800 (one clip, so no interval), 1 clip, 1 seed."
    )
    assert others(found) == ["Power: none, because one clip has no spread."]
    row = summary(found)["comparisons"][0]
    assert [row[k] for k in ("ci_low", "p", "p_adjusted", "power", "detectable")] == [None] * 5


def test_one_clip_with_several_seeds_is_undecided_too():
    assert analyse(two([[0.9, 0.91, 0.92]], [[0.1, 0.11, 0.12]])).primary[0].verdict == "undecided"


def test_the_reason_of_a_block_is_that_of_the_side_that_is_ahead():
    lost = noisy(0.85, 2)
    faces = lost.assign(metric="faces_missed", region="face", value=0.05)
    made = study(
        arm("pixel", noisy(0.80, 1), mouth_guard=Check("failed")), arm("feature", pd.concat([lost, faces]))
    )  # fmt: skip
    text = headline(analyse(made))
    assert "feature lost the face in more than 1% of its frames" in text
    assert "mouth guard" not in text


def test_a_winner_whose_mouth_nobody_judged_is_named():
    for ours, winner in ((0.85, "feature"), (0.75, "pixel")):
        sides = {"pixel": noisy(0.80, 1), "feature": noisy(ours, 2)}
        for unjudged in sides:
            arms = [arm(n, t, mouth_guard=Check("n/a" if n == unjudged else "passed")) for n, t in sides.items()]
            said = [text for text in cautions(analyse(study(*arms))) if "mouth guard has not judged" in text]
            assert bool(said) == (unjudged == winner)
            assert all(winner in text for text in said)
