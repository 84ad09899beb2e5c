"""The family `style`: shares by hand on motions that a judge cannot mistake, and what has no value."""

from dataclasses import replace

import numpy as np
import pytest
from motion_makers import demo_motion, toy_motion

from erlnet.metrics.motion.decoupling import Swap, decoupling, stream_scales
from erlnet.metrics.motion.mesh import FaceMesh
from erlnet.metrics.motion.record import Motion
from erlnet.metrics.motion.style_family import REACHED, TOGETHER, Restyled, choose_judge, style_rows
from erlnet.metrics.mouth import mouth_scores

LEVELS = {"angry": -1.0, "calm": 0.0, "happy": 1.0}  # where the channels lie; how much they move goes with it


def shown(style: str, seed: int, name: str = "clip", speaker: str = "a", frames: int = 60) -> Motion:
    """A motion that shows `style` in face and head beyond doubt; labelled so."""
    motion = toy_motion(seed, frames, name=name, speaker=speaker, style=style)
    level = LEVELS[style]
    parts = {f: (2 + level) * getattr(motion, f) + level for f in ("expression", "jaw", "pose")}
    return replace(motion, **parts)


TRAIN = [shown(s, 10 * i + k, f"{who}{s}{k}", who) for i, who in enumerate("ab") for s in LEVELS for k in range(3)]


@pytest.fixture(scope="module")
def judge():
    return choose_judge([], TRAIN)[0].judge


def reached_rows(clips, judge, meshes=None):
    rows = style_rows(clips, judge, TRAIN, meshes or {c.truth.name: None for c in clips})
    values = {(r.clip, r.metric): r.value for r in rows if r.metric != REACHED}
    cells = {r.region: r.value for r in rows if r.metric == REACHED}
    return values, cells


def as_asked(asked_and_shown, truth):
    made = {asked: replace(shown(style, 77, truth.name), style=truth.style) for asked, style in asked_and_shown.items()}
    return Restyled(truth, made)


def test_styles_that_are_reached_fill_the_diagonal(judge):
    truth = shown("calm", 50)
    values, cells = reached_rows([as_asked({s: s for s in LEVELS}, truth)], judge)
    assert values["clip", "style_accuracy"] == 1
    assert values["clip", "style_leak"] == 0
    assert cells == {f"{a}>{b}": float(a == b) for a in LEVELS for b in LEVELS}


def test_a_generator_that_follows_the_sounds_own_style_leaks_it(judge):
    truth = shown("calm", 50)
    values, cells = reached_rows([as_asked(dict.fromkeys(LEVELS, "calm"), truth)], judge)
    assert values["clip", "style_accuracy"] == pytest.approx(1 / 3)
    assert values["clip", "style_leak"] == 1
    assert {cell for cell, value in cells.items() if value} == {f"{a}>calm" for a in LEVELS}


def test_a_style_taken_for_a_third_one_is_missed_but_not_leaked(judge):
    truth = shown("calm", 50)
    asked = {"calm": "calm", "happy": "angry", "angry": "calm"}
    values, cells = reached_rows([as_asked(asked, truth)], judge)
    assert values["clip", "style_accuracy"] == pytest.approx(1 / 3)
    assert values["clip", "style_leak"] == pytest.approx(1 / 2)
    assert {cell for cell, value in cells.items() if value} == {"calm>calm", "happy>angry", "angry>calm"}


def test_a_style_that_the_judge_does_not_know_is_left_out(judge):
    truth = shown("calm", 50)
    clip = as_asked({"calm": "calm", "happy": "happy"}, truth)
    clip = replace(clip, asked=dict(clip.asked) | {"bored": clip.asked["calm"]})
    values, cells = reached_rows([clip], judge)
    assert values["clip", "style_accuracy"] == 1
    assert {cell.split(">")[0] for cell in cells} == {"calm", "happy"}


@pytest.mark.parametrize("own", ["bored", None])
def test_of_sound_in_a_style_that_the_judge_does_not_know_no_leak_can_be_seen(judge, own):
    truth = replace(shown("calm", 50), style=own)
    values, _ = reached_rows([as_asked({"calm": "calm", "happy": "happy"}, truth)], judge)
    assert values["clip", "style_accuracy"] == 1
    assert ("clip", "style_leak") not in values


def test_the_character_between_two_styles_stands_once_in_a_region():
    named = [replace(m, style={"calm": "a>b"}.get(m.style, m.style)) for m in TRAIN]
    judge = choose_judge([], named)[0].judge
    truth = shown("happy", 50)
    rows = style_rows([as_asked({"a>b": "calm"}, truth)], replace(judge), named, {"clip": None})
    regions = [r.region for r in rows if r.metric == REACHED]
    assert len(regions) == 3
    assert all(region.count(">") == 1 for region in regions)
    assert len({region.split(">")[0] for region in regions}) == 1


def test_one_style_alone_gives_no_rows(judge):
    assert style_rows([Restyled(shown("calm", 50), {})], judge, TRAIN, {"clip": None}) == []


def test_sync_cost_is_the_mouths_correlation_in_the_own_style_less_that_in_the_others(model):
    truth = demo_motion(1, 0, "neutral")
    late = replace(truth, **{f: np.roll(getattr(truth, f), 4, axis=0) for f in ("expression", "jaw", "lids")})
    other = demo_motion(2, 0, "neutral")
    train = [demo_motion(10 * who + k, who, style) for who in (0, 1) for style in ("happy", "neutral", "angry")
             for k in range(3)]  # fmt: skip
    judge = choose_judge([], train)[0].judge
    mesh = FaceMesh(model, np.zeros(model.n_shape))
    asked = {"neutral": truth, "happy": late, "angry": replace(other, name=truth.name)}
    rows = style_rows([Restyled(truth, asked)], judge, train, {truth.name: mesh})
    opening = mesh(truth).opening
    r = {style: mouth_scores([(opening, mesh(motion).opening)]).r for style, motion in asked.items()}
    (cost,) = [row for row in rows if row.metric == "style_sync_cost"]
    assert cost.value == pytest.approx(1 - (r["happy"] + r["angry"]) / 2)
    assert cost.region == "mouth"


def test_without_a_mesh_or_the_own_style_there_is_no_sync_cost(judge, model):
    truth = shown("calm", 50)
    values, _ = reached_rows([as_asked({s: s for s in LEVELS}, truth)], judge)
    assert values["clip", "style_sync_cost"] is None


def passed_through(own: str, other: str, number: int, share: float = 0.0) -> Restyled:
    """Streams of the style clips themselves; `share` of the face listens to the pose's style clip."""
    truth = shown(own, 900 + number, f"test{number}")
    a, twin = shown(own, 5 * number, f"a{number}"), shown(own, 5 * number + 2, "twin")
    b = shown(other, 5 * number + 1, f"b{number}")

    def made(face: Motion, head: Motion) -> Motion:
        stream = (1 - share) * face.stream + share * head.stream
        return truth.with_streams(stream, head.pose)

    swap = Swap(a, b, made(a, a), made(b, a), made(a, b), made(twin, twin))
    return Restyled(truth, {own: swap.base, other: made(b, b)}, swap)


PAIRS = [(a, b) for a in LEVELS for b in LEVELS if a != b]


def decoupling_of(clips, judge):
    rows = style_rows(clips, judge, TRAIN, {c.truth.name: None for c in clips})
    return {m: {r.clip: r.value for r in rows if r.metric == m} for m in ("decoupling_expression", "decoupling_pose")}


def test_a_passthrough_is_decoupled_clip_by_clip(judge):
    clips = [passed_through(*pair, 6 * take + i) for take in range(3) for i, pair in enumerate(PAIRS)]
    found = decoupling_of(clips, judge)
    for values in found.values():
        assert list(values) == [c.truth.name for c in clips]
        assert np.mean(list(values.values())) == pytest.approx(0, abs=1e-9)


def test_decoupling_needs_no_judge(judge):
    clips = [passed_through(*pair, 6 * take + i) for take in range(3) for i, pair in enumerate(PAIRS)]
    rows = style_rows(clips, None, TRAIN, {c.truth.name: None for c in clips})
    assert {row.metric for row in rows} == {"decoupling_expression", "decoupling_pose"}
    assert len(rows) == 2 * len(clips)


def test_a_face_that_listens_to_the_heads_style_reads_its_decoupling_score_by_clip(judge):
    clips = [passed_through(*pair, 6 * take + i, share=0.2) for take in range(3) for i, pair in enumerate(PAIRS)]
    found = decoupling_of(clips, judge)
    score = decoupling([c.swap for c in clips], stream_scales(TRAIN))["expression"]
    assert score.score > 0.15
    assert found["decoupling_expression"] == dict(zip(score.clips, score.by_clip))
    assert np.mean(list(found["decoupling_pose"].values())) == pytest.approx(0, abs=1e-9)


def test_a_score_without_values_by_clip_is_one_row_and_not_repeated_as_if_it_had_no_spread(judge):
    clips = [passed_through(*pair, i, share=0.2) for i, pair in enumerate(PAIRS)]  # each pair of styles once
    score = decoupling([c.swap for c in clips], stream_scales(TRAIN))["expression"]
    found = decoupling_of(clips, judge)
    assert found["decoupling_expression"] == {TOGETHER: score.score}
    assert score.score > 0.15
    assert list(found["decoupling_pose"]) == [TOGETHER]


def test_a_judge_of_speakers_set_apart_is_taken_else_one_of_the_training_clips():
    apart = [replace(m, speaker={"a": "x", "b": "y"}[m.speaker]) for m in TRAIN]
    trained, saw = choose_judge(apart, TRAIN)
    assert (saw, set(trained.held_out)) == ("val", {"x", "y"})
    few = [m for m in apart if m.speaker == "x"]
    trained, saw = choose_judge(few, TRAIN)
    assert (saw, set(trained.held_out)) == ("train", {"a", "b"})
    trained, saw = choose_judge([], [m for m in TRAIN if m.speaker == "a"])
    assert (trained.judge, saw) == (None, "train")
    assert "1 speaker" in trained.reason
