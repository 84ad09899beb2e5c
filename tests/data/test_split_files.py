"""Frozen splits: written once, read ever after, refused where they were changed or are of other clips."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlnet.data.clip import Camera, Clip, Labels
from erlnet.data.split_files import freeze, read_frozen, split_clips, thaw, write_frozen
from erlnet.data.splits import GAP, RULES, Split, by_time, make_split
from erlnet.errors import UserError


def clip_of(n_frames, name="talk", side="", source=None, offset=0):
    labels = Labels(name, "none", "folder", side, source or name)
    return Clip(Path(name), name, labels, Camera(900, 900, 64, 64, 128, 128), 0, n_frames, offset=offset)


@given(n_frames=st.integers(250, 40_000))
def test_time_keeps_three_ways_apart_in_order(n_frames):
    train, test, val = by_time(n_frames)
    assert train[0][0] == 0
    assert val[0][0] - train[-1][1] == GAP
    assert test[0][0] - val[-1][1] == GAP
    assert test[-1][1] == n_frames
    assert train[0][1] / n_frames == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("rule", RULES)
def test_the_first_use_freezes_and_the_second_reads(tmp_path, rule, monkeypatch):
    clips = [clip_of(1258), clip_of(700, "other")]
    path = tmp_path / "splits" / f"{rule}.json"
    first = split_clips(clips, rule, path)
    assert first == make_split(clips, rule)
    before = path.read_bytes()
    # Another version's rule, and another clip in the index, change nothing.
    monkeypatch.setitem(RULES, rule, lambda n: ([(0, 10)], [(n - 60, n)]))
    assert split_clips([clip_of(900, "new"), *clips], rule, path) == first
    assert path.read_bytes() == before


def test_a_data_sets_own_sides_are_frozen_under_their_own_name(tmp_path):
    clips = [clip_of(100, "a", "train"), clip_of(80, "b", "val"), clip_of(60, "c", "test")]
    split = split_clips(clips, "auto", tmp_path / "auto.json")
    assert [[c.name for c in split.side(s)] for s in ("train", "val", "test")] == [["a"], ["b"], ["c"]]
    assert read_frozen(tmp_path / "auto.json").name == "own"


def test_a_rule_that_stood_in_for_sides_of_its_own_gives_the_frozen_split_its_name(tmp_path):
    split_clips([clip_of(1258)], "auto", tmp_path / "auto.json")
    assert read_frozen(tmp_path / "auto.json").name == "blocks"


def test_the_hash_is_of_the_sides_alone_and_a_changed_file_is_refused(tmp_path):
    clips = [clip_of(1258)]
    frozen = freeze(make_split(clips, "blocks"), clips, "blocks")
    assert replace(frozen, name="mine").sha256 == frozen.sha256
    path = tmp_path / "s.json"
    write_frozen(path, frozen)
    content = json.loads(path.read_text())
    content["sides"]["test"][0]["stop"] += 1
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match="changed since it was frozen"):
        read_frozen(path)


@pytest.mark.parametrize("text", ["", "{}", '{"format": 2, "name": "x", "sha256": "", "sides": {}}', "[1]"])
def test_what_is_no_split_file_is_named(tmp_path, text):
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(UserError, match=r"s\.json: no split file"):
        read_frozen(tmp_path / "s.json")


def test_a_split_file_of_an_earlier_format_says_what_to_do(tmp_path):
    (tmp_path / "s.json").write_text('{"format": 1, "name": "x", "sha256": "", "sides": {"train": [{"name": "a"}]}}')
    with pytest.raises(UserError, match=r"s\.json: a split file of format 1, this version reads 2; delete it"):
        read_frozen(tmp_path / "s.json")


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (clip_of(1258, "another"), "'talk' is not among the prepared clips"),
        (clip_of(1257), "'talk' is another clip here: it has 1257 frames, not 1258"),
        (clip_of(1300), "'talk' is another clip here: it has 1300 frames, not 1258"),
        (clip_of(1258, offset=40), "'talk' is another clip here: it begins at frame 40 of talk, not 0"),
        (clip_of(1258, source="another recording"), "'talk' is another clip here: of another recording, not talk"),
    ],
)
def test_a_split_of_other_clips_is_refused(other, says):
    clips = [clip_of(1258)]
    frozen = freeze(make_split(clips, "blocks"), clips, "blocks")
    with pytest.raises(UserError, match=says):
        thaw(frozen, [other])


def test_a_leak_in_a_file_is_found_on_every_load(tmp_path):
    clip = clip_of(1000)
    leaking = Split([clip.cut(0, 600, "a")], [clip.cut(605, 700, "b")])
    write_frozen(tmp_path / "s.json", freeze(leaking, [clip], "mine"))
    with pytest.raises(UserError, match="leak in talk"):
        split_clips([clip], "mine", tmp_path / "s.json")


def test_shots_of_one_recording_are_told_apart_by_where_they_were_cut():
    shots = [
        clip_of(300, "talk.shot00", source="talk"),
        clip_of(300, "talk.shot01", source="talk", offset=300),
        clip_of(60, "talk.shot02", source="talk", offset=640),
    ]
    split = make_split(shots, "last")
    runs = {c.name: (c.start, c.stop) for c in split.train}
    assert runs["talk.shot00.train00"] == (0, 240)
    assert runs["talk.shot01.train00"] == (GAP, 240)  # shot 0's test frames come just before it
    assert runs["talk.shot02.train00"] == (0, 60)  # too short to be cut: learnt from whole
    assert len(split.test) == 4
    same = clip_of(300, "talk-again", "test", source="talk", offset=100)
    with pytest.raises(UserError, match="leak in talk"):
        make_split([replace(shots[0], labels=replace(shots[0].labels, split="train")), same], "own")


@given(lengths=st.lists(st.integers(25, 700), min_size=1, max_size=6), rule=st.sampled_from(sorted(RULES)))
def test_no_rule_leaks_between_the_shots_of_a_recording(lengths, rule):
    lengths = [*lengths, 400]
    offsets = [sum(lengths[:i]) for i in range(len(lengths))]
    shots = [clip_of(n, f"s{i}", source="talk", offset=o) for i, (n, o) in enumerate(zip(lengths, offsets))]
    split = make_split(shots, rule)  # checks for leaks itself
    assert split.test


def test_val_frames_count_in_the_leak_check():
    a, b, c = clip_of(100, "a", "train"), clip_of(100, "b", "val", source="s"), clip_of(100, "c", "test", source="s")
    with pytest.raises(UserError, match="leak in s"):
        make_split([a, b, c], "own")
