"""Splits within one video, and the leak check."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlnet.data.clip import Camera, Clip, Labels
from erlnet.data.splits import GAP, Split, blocks, check_leaks, last, make_split
from erlnet.errors import UserError


def clip_of(n_frames, name="talk", split=""):
    labels = Labels(speaker=name, style="none", dataset="folder", split=split, source=name)
    return Clip(Path(name), name, labels, Camera(900, 900, 64, 64, 128, 128), 0, n_frames)


def frames_of(runs):
    return {frame for start, stop in runs for frame in range(start, stop)}


@given(n_frames=st.integers(250, 40_000))
def test_blocks_leave_gaps_and_lose_nothing_else(n_frames):
    train, test = blocks(n_frames)
    a, b = frames_of(train), frames_of(test)
    assert a | b <= set(range(n_frames))
    assert n_frames - len(a) - len(b) == 2 * GAP * len(test)  # 0.4 s on both sides of each block
    assert (
        min(abs(t - s) for start, stop in test for t in (start, stop - 1) for s in (start - GAP - 1, stop + GAP)) > GAP
    )
    assert not {f + d for f in b for d in (-GAP, 0, GAP)} & a
    assert all(50 <= stop - start <= 62 for start, stop in test)


@given(n_frames=st.integers(1000, 40_000))
def test_a_video_of_40_s_or_more_gets_at_least_six_blocks_and_about_a_fifth_held_out(n_frames):
    train, test = blocks(n_frames)
    assert len(test) >= 6
    assert 0.19 <= len(frames_of(test)) / n_frames <= 0.31
    lengths = [stop - start for start, stop in train]
    assert max(lengths) - min(lengths) <= 1  # spread evenly


def test_fifty_seconds_hold_out_a_quarter_at_most():
    train, test = blocks(1258)
    assert len(test) == 6
    assert 0.2 <= len(frames_of(test)) / 1258 <= 0.25
    assert len(frames_of(train)) / 1258 > 0.65


@given(n_frames=st.integers(250, 999))
def test_a_short_video_gets_fewer_blocks_but_two(n_frames):
    train, test = blocks(n_frames)
    assert 1 < len(test) <= 7
    assert len(frames_of(train)) >= 0.4 * n_frames


@given(n_frames=st.integers(250, 40_000))
def test_last_holds_out_the_end_in_segments_of_a_second_or_more(n_frames):
    train, test = last(n_frames)
    assert test[-1][1] == n_frames
    assert all(before[1] == after[0] for before, after in itertools.pairwise(test))
    assert all(25 <= stop - start < 50 for start, stop in test)
    assert train == [(0, test[0][0] - GAP)]
    assert len(frames_of(test)) == max(round(n_frames / 10), 50)


@pytest.mark.parametrize("split", ["blocks", "last"])
def test_every_split_passes_its_own_leak_check(split):
    result = make_split([clip_of(1258), clip_of(700, "other")], split)
    assert {c.labels.source for c in result.test} == {"talk", "other"}
    names = [c.name for c in result.train + result.test]
    assert len(names) == len(set(names))


LABELLED = [clip_of(100, "a", "train"), clip_of(25, "b", "test")]
PLAIN = [clip_of(1258), clip_of(700, "other")]


@pytest.mark.parametrize("split", ["own", "auto", "auto-time"])
def test_a_data_sets_own_sides_are_taken_where_the_split_lets_them(split):
    assert make_split(LABELLED, split) == Split(LABELLED[:1], LABELLED[1:])


@pytest.mark.parametrize(("split", "rule"), [("auto", "blocks"), ("auto-time", "time")])
def test_without_sides_of_its_own_the_data_is_cut_by_the_rule(split, rule):
    assert make_split(PLAIN, split) == make_split(PLAIN, rule)


@pytest.mark.parametrize("rule", ["blocks", "last", "time"])
def test_a_rule_is_refused_where_the_data_has_sides_of_its_own(rule):
    with pytest.raises(UserError, match=f"split={rule}: .* 'a' is train; use split=own"):
        make_split(LABELLED, rule)


def test_own_is_refused_where_no_clip_has_a_side():
    with pytest.raises(UserError, match="split=own: no clip has a side of its own; cut each video by split=blocks"):
        make_split(PLAIN, "own")


@pytest.mark.parametrize("split", ["own", "auto", "auto-time", "blocks", "last", "time"])
def test_clips_without_a_side_among_those_with_one_are_named_and_refused(split):
    more = [clip_of(500, f"plain{i}") for i in range(5)]
    with pytest.raises(UserError, match=r"2 of 7 clips .* none: plain0, plain1, plain2 and 2 more; give all"):
        make_split([*LABELLED, *more], split)


def test_under_ten_seconds_the_clip_and_its_length_are_named():
    with pytest.raises(UserError, match=r"'short' 9.6 s"):
        make_split([clip_of(1258), clip_of(240, "short")], "blocks")


def test_an_unknown_split_lists_the_choices():
    with pytest.raises(UserError, match=r"no split 'random' \(choices: own, auto, auto-time, blocks, last, time\)"):
        make_split([clip_of(1258)], "random")


def test_test_clips_alone_are_refused():
    with pytest.raises(UserError, match="0 train"):
        make_split([clip_of(100, "a", "test")], "own")


@pytest.mark.parametrize(
    ("train", "test", "leaks"),
    [
        ((0, 100), (110, 160), False),
        ((0, 100), (109, 160), True),
        ((200, 300), (140, 190), False),
        ((200, 300), (140, 191), True),
        ((0, 300), (140, 190), True),
        ((150, 160), (140, 190), True),
    ],
)
def test_leaks_are_found_on_either_side(train, test, leaks):
    clip = clip_of(400)
    split = Split([clip.cut(*train, "a")], [clip.cut(*test, "b")])
    if leaks:
        with pytest.raises(UserError, match="leak in talk"):
            check_leaks(split)
    else:
        check_leaks(split)


def test_a_long_train_run_that_starts_early_is_not_hidden_by_a_later_short_one():
    clip = clip_of(1000)
    split = Split([clip.cut(0, 900, "long"), clip.cut(10, 20, "short")], [clip.cut(500, 550, "test")])
    with pytest.raises(UserError, match="'long'"):
        check_leaks(split)


def test_the_same_frames_of_another_source_are_no_leak():
    a, b = clip_of(100, "a"), clip_of(100, "b")
    check_leaks(Split([a], [b]))
    with pytest.raises(UserError, match="leak"):
        check_leaks(Split([a], [replace(b, labels=a.labels)]))
