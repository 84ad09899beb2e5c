"""`python -m erlnet doctor`: exit codes, text and JSON, mistakes in one line."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from erlnet import registry
from erlnet.__main__ import main
from erlnet.data.items import Index, Item

HDTF = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "meta" / "hdtf"


@pytest.fixture
def mead(tmp_path):
    """A speaker with one sentence of neutral, sound beside it, and the same of angry without sound."""
    for emotion in ("neutral", "angry"):
        video = tmp_path / "M003" / "video" / "front" / emotion / "level_1" / "001.mp4"
        video.parent.mkdir(parents=True)
        video.write_bytes(b"not really a video")
    sound = tmp_path / "M003" / "audio" / "neutral" / "level_1" / "001.m4a"
    sound.parent.mkdir(parents=True)
    sound.write_bytes(b"not really sound")
    return tmp_path


def test_a_data_set_with_holes_is_told_in_text_and_fails(mead, capsys):
    assert main(["doctor", "mead", str(mead), "--no-open"]) == 1
    shown = capsys.readouterr().out
    assert "expected" in shown
    assert "what to do" in shown
    assert "M003/video/front lacks the emotion contempt" in shown


def test_json_says_the_same_and_nothing_is_shortened(mead, capsys):
    assert main(["doctor", "mead", str(mead), "--json", "--no-open", "mead.emotions=neutral"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["dataset"], told["broken"], told["missing"]) == ("mead", [], [])
    assert told["present"]["clips selected"] == 1


def test_files_that_do_not_open_are_broken(mead, capsys):
    assert main(["doctor", "mead", str(mead), "--json", "mead.emotions=neutral"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert len(told["broken"]) == 2
    assert all("001.m" in line and "cannot be opened" in line for line in told["broken"])


def test_contradictions_of_a_release_fail_nothing_but_are_listed(capsys):
    if not HDTF.exists():
        pytest.skip("the annotation files of HDTF are not beside the checkout")
    assert main(["doctor", "hdtf", str(HDTF), "--json", "--no-open"]) == 1  # no video is there
    told = json.loads(capsys.readouterr().out)
    present = told["present"]
    assert (present["annotated intervals"], present["crop rows"], present["video URLs"]) == (436, 421, 370)
    assert len(told["mismatch"]) == 24
    assert sum("has no row in" in line and "crop_wh" in line for line in told["mismatch"]) == 15


def test_a_root_may_be_written_as_for_the_other_commands(mead, capsys):
    assert main(["doctor", "mead", f"data={mead}", "--json", "--no-open", "mead.emotions=neutral"]) == 0
    assert json.loads(capsys.readouterr().out)["present"]["clips selected"] == 1


def test_a_selection_of_nothing_is_examined_all_the_same(mead, capsys):
    assert main(["doctor", "mead", str(mead), "--json", "--no-open", "mead.views=top"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["present"]["clips selected"] == 0
    assert told["missing"]


def test_a_folder_of_prepared_clips_is_called_that(tmp_path, capsys):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "clip.json").write_text("{}")
    assert main(["doctor", "folder", str(tmp_path)]) == 2
    shown = capsys.readouterr().err
    assert f"data={tmp_path}: holds 2 prepared clips, which a sweep takes as they are" in shown


@dataclass(frozen=True)
class Listless:
    """A data set whose source prepares clips and cannot list them."""

    VERSION: ClassVar[int] = 1

    def build(self):
        return self

    def fingerprint(self, data):
        return {}

    def prepare(self, wanted):
        pass


@dataclass(frozen=True)
class Listing(Listless):
    """One whose source lists what it has."""

    def index(self, data):
        return Index((Item("a", data / "a.mp4", "anna", "", "a"),))


@pytest.fixture
def plug_in(monkeypatch):
    """Registers a class of this module as dataset=mine."""

    def register(component):
        mine = registry.Entry("dataset", "mine", f"{__name__}:{component.__name__}", "mine")
        known = (*registry.entries(), mine)
        monkeypatch.setattr(registry, "entries", lambda: known)

    return register


def test_a_plug_in_that_lists_its_clips_is_examined(plug_in, tmp_path, capsys):
    plug_in(Listing)
    assert main(["doctor", "mine", str(tmp_path), "--json", "--no-open"]) == 0
    assert json.loads(capsys.readouterr().out)["present"] == {"clips selected": 1}


def test_a_plug_in_that_cannot_list_its_clips_is_told_so_in_one_line(plug_in, tmp_path, capsys):
    plug_in(Listless)
    assert main(["doctor", "mine", str(tmp_path)]) == 2
    shown = capsys.readouterr().err
    assert "dataset=mine: lists no clips before it prepares them" in shown
    assert len(shown.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["mad", "."], "did you mean 'mead'"),
        (["demo", "."], "makes its own clips"),
        (["mead", "."], "no MEAD here"),
        (["mead", "nowhere"], "nowhere"),
        (["mead", ".", "mead.vews=front"], "did you mean 'views'"),
        (["mead", ".", "fusion=pixel"], "data set's options alone"),
        (["mead", ".", "mead.views=[front,left_31]"], "left_30"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(tmp_path, monkeypatch, capsys, words, says):
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", *words]) == 2
    shown = capsys.readouterr()
    assert not shown.out
    assert len(shown.err.strip().splitlines()) == 1
    assert says in shown.err
