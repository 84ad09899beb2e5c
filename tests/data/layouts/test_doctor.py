import json
from pathlib import Path

import pytest

from erlnet.data.doctor import examine, files_of
from erlnet.data.items import Finding, Index, Item
from erlnet.data.layouts.hdtf import HdtfLayout
from erlnet.data.layouts.ldst import LdstLayout
from erlnet.data.opening import SILENT, fault_of, open_all


def video(name, sound=None):
    return Item(name, Path(f"{name}.mp4"), "anna", "", name, sound=sound)


INDEX = Index(
    (video("a"), video("b", Path("b.m4a"))),
    (
        *(Finding("missing", f"M00{i} is not there", "extract it") for i in range(12)),
        Finding("leaking", "talk is on two sides", "keep it on one"),
        Finding("mismatch", "row 3 disagrees", "correct it"),
    ),
    {"speakers": 2, "clips selected": 2},
)


def test_the_text_has_every_section_and_shortens_long_lists():
    text = examine("mead", INDEX, {}).text()
    assert [line for line in text.splitlines() if line and not line.startswith(" ")] == [
        "mead", "expected", "present", "missing: 12", "broken: nothing", "contradicting: 1", "leaking: 1", "what to do",
    ]  # fmt: skip
    assert "M003/video/front/angry/level_1/001.mp4" in text
    assert "      2  clips selected" in text
    assert "  ... and 2 more, see --json" in text
    assert "M0011" not in text


def test_what_settles_most_is_to_be_done_first():
    todo = examine("mead", INDEX, {}).todo
    assert [(t.remedy, t.findings) for t in todo] == [("extract it", 12), ("keep it on one", 1), ("correct it", 1)]


def test_what_needs_nothing_done_comes_last():
    handled = [Finding("mismatch", f"row {i}", "nothing to do: passed over") for i in range(5)]
    diagnosis = examine("hdtf", Index((), (*handled, Finding("broken", "a.mp4 is empty", "copy it"))), {})
    assert [t.remedy for t in diagnosis.todo] == ["copy it", "nothing to do: passed over"]


def test_the_json_is_whole():
    data = json.loads(examine("mead", INDEX, {}).to_json())
    assert len(data["missing"]) == 12
    assert data["leaking"] == ["talk is on two sides"]
    assert data["mismatch"] == ["row 3 disagrees"]
    assert data["present"] == {"speakers": 2, "clips selected": 2}
    assert data["todo"][0] == {"remedy": "extract it", "findings": 12}
    assert data["healthy"] is False


def test_files_that_cannot_be_opened_are_broken():
    opened = {Path("a.mp4"): "it has no picture", Path("b.mp4"): None}
    diagnosis = examine("folder", Index((video("a"), video("b"))), opened)
    assert diagnosis.broken == ("a.mp4: it has no picture",)
    assert diagnosis.present == {"clips selected": 2, "files opened": 2, "files opened without fault": 1}


def test_a_silent_video_is_broken_only_without_a_sound_file_of_its_own():
    opened = {Path("a.mp4"): SILENT, Path("b.mp4"): SILENT, Path("b.m4a"): None}
    diagnosis = examine("mead", Index(INDEX.items), opened)
    assert diagnosis.broken == ("a.mp4: it has no sound",)
    assert diagnosis.todo[0].remedy.startswith("bring a copy with sound")


def test_a_plain_folder_in_order_is_healthy():
    diagnosis = examine("folder", Index((video("a"),)), {Path("a.mp4"): None})
    assert diagnosis.healthy
    assert "what to do: nothing" in diagnosis.text()
    assert "  videos with sound" in diagnosis.text()


def test_each_file_is_opened_once():
    items = (video("a"), video("a"), video("b", Path("b.m4a")))
    assert files_of(Index(items)) == [Path("a.mp4"), Path("b.mp4"), Path("b.m4a")]


def test_opening_tells_what_is_wrong_with_each_file(tmp_path, made_video):
    whole = made_video(n_frames=5).write(tmp_path / "whole.mp4")
    silent = made_video(n_frames=5, sample_rate=None).write(tmp_path / "silent.mp4")
    cut_off = tmp_path / "cut.mp4"
    cut_off.write_bytes(whole.read_bytes()[:200])
    text = tmp_path / "text.mp4"
    text.write_text("404 not found")
    told = []
    opened = open_all([whole, silent, cut_off, text, tmp_path / "gone.mp4"], 2, lambda *at: told.append(at))
    assert told == [(i, 5) for i in range(1, 6)]
    assert (opened[whole], opened[silent]) == (None, "it has no sound")
    for path in (cut_off, text, tmp_path / "gone.mp4"):
        assert opened[path].startswith("it cannot be opened (")
        assert "\n" not in opened[path]


def test_a_sound_file_needs_no_picture(tmp_path, made_video):
    sound = made_video(n_frames=30).write(tmp_path / "film.mov").rename(tmp_path / "001.m4a")
    assert fault_of(sound) is None
    silent = made_video(n_frames=5, sample_rate=None).write(tmp_path / "film.mov").rename(tmp_path / "002.m4a")
    assert fault_of(silent) == "it has no sound"


def test_a_film_without_picture_is_named(tmp_path):
    import wave

    with wave.open(str(tmp_path / "talk.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(3200))
    assert fault_of((tmp_path / "talk.wav").rename(tmp_path / "talk.avi")) == "it has no picture"


@pytest.mark.parametrize(("name", "layout"), [("ldst", LdstLayout()), ("hdtf", HdtfLayout())])
def test_a_real_tree_is_diagnosed_from_its_index(name, layout, tmp_path, made_video):
    (tmp_path / "anna/calm").mkdir(parents=True)
    made_video(n_frames=5).write(tmp_path / "anna/calm/RD_Radio1_000.mp4")
    index = layout.index(tmp_path)
    diagnosis = examine(name, index, open_all(files_of(index), 1, lambda done, of: None))
    assert diagnosis.present["files opened without fault"] == 1
    assert not diagnosis.broken
