from pathlib import Path

from erlnet.data.items import Item
from erlnet.data.leaks import leaks


def item(name, speaker, source, split):
    return Item(name, Path(f"{name}.mp4"), speaker, "", source, split)


def test_one_recording_on_two_sides_is_a_leak():
    items = [item("a", "anna", "talk", "train"), item("b", "anna", "talk", "test"), item("c", "bob", "speech", "test")]
    (found,) = leaks(items)
    assert str(found) == (
        "leaking: recording talk is on two sides: train: a; test: b; "
        "keep all that is cut from one recording on one side"
    )


def test_one_person_on_two_sides_is_a_leak_only_where_the_split_is_by_identity():
    items = [item("a", "anna", "one", "train"), item("b", "anna", "two", "val"), item("c", "bob", "three", "test")]
    assert leaks(items) == []
    (found,) = leaks(items, by_identity=True)
    assert found.what == "1 of 2 speakers are on two sides of the split: anna"


def test_clips_without_a_side_leak_nothing():
    items = [item("a", "anna", "talk", ""), item("b", "anna", "talk", "test"), item("c", "anna", "talk", "")]
    assert leaks(items, by_identity=True) == []


def test_long_sides_are_shortened():
    items = [item(f"c{i}", "anna", "talk", "train") for i in range(5)] + [item("t", "anna", "talk", "test")]
    assert leaks(items)[0].what == "recording talk is on two sides: train: c0, c1, c2 and 2 more; test: t"
