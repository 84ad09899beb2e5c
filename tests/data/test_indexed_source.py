"""A data set of videos as the sweep sees it: listed, fingerprinted, prepared into a store, indexed with its labels."""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from erlnet.data import indexed as indexed_module
from erlnet.data.batch import Batch
from erlnet.data.clip import Camera, ClipFacts, ClipWriter, Coefficients, Labels, open_index
from erlnet.data.components import Landmarks
from erlnet.data.folder import FolderSource, videos_index
from erlnet.data.indexed import IndexedSource
from erlnet.data.items import Index, Item
from erlnet.data.options import PrepareOptions
from erlnet.data.records import (
    Making,
    Record,
    another_videos,
    files_read,
    quick_print,
    read_record,
    replaced_clips,
    settings_of,
    write_record,
)
from erlnet.data.shelf import Shelf
from erlnet.data.silence import Silence
from erlnet.data.worker import Place
from erlnet.errors import UserError
from erlnet.head.components import Flame, MakeHuman
from erlnet.interfaces import Preparation


@dataclass(frozen=True)
class Two:
    """Two videos of two speakers; `flip` swaps their sides."""

    flip: bool = False

    def index(self, root: Path) -> Index:
        sides = ("test", "train") if self.flip else ("train", "test")
        names = [name for name in ("a", "b") if (root / f"{name}.mp4").exists()]
        items = (Item(n, root / f"{n}.mp4", f"speaker-{n}", "calm", n, side) for n, side in zip(names, sides))
        return Index(tuple(items))


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.mp4").write_bytes(name.encode() * 1000)
    return folder


def write_clip(folder: Path, labels: Labels, n_frames: int = 3) -> None:
    writer = ClipWriter(folder, folder.name, labels, Camera(100, 100, 8, 8, 16, 16))
    for _ in range(n_frames):
        writer.add_frame(np.zeros((16, 16, 3), np.uint8))
        writer.add_regions(np.zeros((16, 16), np.uint8))
    t, still = np.zeros, np.tile(np.eye(4), (n_frames, 1, 1))
    coefficients = Coefficients(
        t((n_frames, 4)), t((n_frames, 3)), t((n_frames, 2)), still, np.eye(4), t((n_frames, 2)), t((n_frames, 6)),
        t(5), np.ones(n_frames, bool),
    )  # fmt: skip
    writer.close(np.zeros(n_frames * 640, np.float32), coefficients, t((n_frames, 68, 2)), ClipFacts())


@pytest.fixture
def prepared(monkeypatch):
    """Takes the place of the workers: writes a small clip for every item that has no record, and tells which."""
    made = []

    def prepare_batch(items, place: Place, making, jobs, progress):
        done = []
        for item in items:
            settings = settings_of(item, making)
            name = place.name(item, settings)
            record = read_record(place.out, name, settings)
            if record is None:
                write_clip(place.out / name, Labels(item.speaker, item.style, making.dataset, item.split, item.source))
                record = Record(settings, [name])
                write_record(place.out, name, record)
                made.append(item.name)
            done.append((item, record))
        return Batch(done, [], [])

    monkeypatch.setattr(indexed_module, "prepare_batch", prepare_batch)
    return made


def prepare(source, root, out):
    stage = out / "stages" / "prepare" / "key"
    stage.mkdir(parents=True, exist_ok=True)
    source.prepare(Preparation(root, stage, out / "clips", Landmarks(), MakeHuman(), 1, Silence()))
    return stage


def test_a_changed_split_moves_labels_and_makes_no_clip_again(root, tmp_path, prepared):
    first = prepare(IndexedSource("two", Two(), PrepareOptions()), root, tmp_path / "runs")
    assert [c.labels.split for c in open_index(first)] == ["train", "test"]
    second = prepare(IndexedSource("two", Two(flip=True), PrepareOptions()), root, tmp_path / "runs")
    assert [c.labels.split for c in open_index(second)] == ["test", "train"]
    assert prepared == ["a", "b"]


def test_another_size_is_another_clip_beside_the_first(root, tmp_path, prepared):
    for size in (512, 256, 512):
        prepare(IndexedSource("two", Two(), PrepareOptions(size=size)), root, tmp_path / "runs")
    assert prepared == ["a", "b", "a", "b"]
    assert len(list((tmp_path / "runs" / "clips").glob("*/clip.json"))) == 4


def test_an_output_folder_can_be_moved_whole(root, tmp_path, prepared):
    prepare(IndexedSource("two", Two(), PrepareOptions()), root, tmp_path / "runs")
    (tmp_path / "runs").rename(tmp_path / "moved")
    clips = open_index(tmp_path / "moved" / "stages" / "prepare" / "key")
    assert [c.labels.speaker for c in clips] == ["speaker-a", "speaker-b"]
    assert all("moved" in str(c.folder.resolve()) for c in clips)


def test_the_fingerprint_goes_by_content_and_labels_not_by_place_or_time(root, tmp_path):
    source = IndexedSource("two", Two(), PrepareOptions())
    before = source.fingerprint(root)
    assert before["items"] == 2
    os.utime(root / "a.mp4", (1, 1))
    root.rename(tmp_path / "elsewhere")
    assert source.fingerprint(tmp_path / "elsewhere") == before
    assert IndexedSource("two", Two(flip=True), PrepareOptions()).fingerprint(tmp_path / "elsewhere") != before
    (tmp_path / "elsewhere" / "a.mp4").write_bytes(b"b" * 1000)
    assert source.fingerprint(tmp_path / "elsewhere") != before


def test_nothing_selected_is_refused(root):
    source = IndexedSource("two", Two(), PrepareOptions())
    for name in ("a", "b"):
        (root / f"{name}.mp4").unlink()
    with pytest.raises(UserError, match="no clip of dataset=two is selected"):
        source.index(root)
    with pytest.raises(UserError, match="needs data=ROOT"):
        source.index(None)
    with pytest.raises(UserError, match="no such file or folder"):
        source.index(root / "absent")


def test_all_inputs_failing_is_an_error_that_names_some_of_them(root, tmp_path, monkeypatch):
    def all_fail(items, place, making, jobs, progress):
        return Batch([], [(item, "no face") for item in items], [])

    monkeypatch.setattr(indexed_module, "prepare_batch", all_fail)
    with pytest.raises(UserError, match="a: no face; b: no face"):
        prepare(IndexedSource("two", Two(), PrepareOptions()), root, tmp_path / "runs")


def test_an_input_that_was_not_finished_stops_the_sweep_and_is_named(root, tmp_path, monkeypatch):
    def one_killed(items, place, making, jobs, progress):
        return Batch([], [], [(items[0], "its process ended with signal 9 (out of memory?)")])

    monkeypatch.setattr(indexed_module, "prepare_batch", one_killed)
    with pytest.raises(UserError, match=r"not finished: a: its process ended.*again to go on"):
        prepare(IndexedSource("two", Two(), PrepareOptions()), root, tmp_path / "runs")


def test_a_sound_file_of_its_own_is_part_of_the_fingerprint(root):
    @dataclass(frozen=True)
    class WithSound(Two):
        def index(self, folder: Path) -> Index:
            items = super().index(folder).items
            return Index(tuple(replace(item, sound=folder / "sound.m4a") for item in items))

    source = IndexedSource("two", WithSound(), PrepareOptions())
    (root / "sound.m4a").write_bytes(b"one")
    before = source.fingerprint(root)
    (root / "sound.m4a").write_bytes(b"another")
    assert source.fingerprint(root) != before


# --- records


def making(**options):
    return Making("folder", PrepareOptions(**options), Landmarks(), MakeHuman())


def test_a_record_counts_while_bytes_options_and_clips_are_the_same(root, tmp_path):
    item = Two().index(root).items[0]
    settings = settings_of(item, making())
    write_record(tmp_path, "a", Record(settings, ["a"]))
    assert read_record(tmp_path, "a", settings) is None  # no such clip
    write_clip(tmp_path / "a", Labels("s", "", "folder", "", "a"))
    assert read_record(tmp_path, "a", settings).clips == ["a"]
    assert read_record(tmp_path, "a", settings_of(item, making(cuts="refuse"))) is None
    assert read_record(tmp_path, "a", settings_of(replace(item, start=1.0), making())) is None
    item.video.write_bytes(b"c" * 1000)
    assert read_record(tmp_path, "a", settings_of(item, making())) is None


def test_a_clips_place_in_its_recording_is_part_of_what_it_depends_on(root):
    item = Two().index(root).items[0]
    assert settings_of(replace(item, place=5.0), making()) != settings_of(item, making())


def test_the_users_files_are_looked_at_once_however_many_inputs_there_are(root, monkeypatch):
    looked = []
    monkeypatch.setattr("erlnet.data.records.files_read", lambda component: looked.append(component) or "")
    one = making()
    for item in Two().index(root).items * 3:
        settings_of(item, one)
    assert len(looked) == 2  # tracker and head model


def test_the_matte_being_there_now_makes_a_clip_again_and_its_going_does_not(root, tmp_path, monkeypatch):
    there = False
    monkeypatch.setattr("erlnet.data.records.asset_present", lambda name: there)
    item = Two().index(root).items[0]
    write_clip(tmp_path / "a", Labels("s", "", "folder", "", "a"))
    write_record(tmp_path, "a", Record(settings_of(item, making()), ["a"]))
    assert read_record(tmp_path, "a", settings_of(item, making()))
    there = True
    with_matte = settings_of(item, making())
    assert read_record(tmp_path, "a", with_matte) is None
    write_record(tmp_path, "a", Record(with_matte, ["a"]))
    there = False
    assert read_record(tmp_path, "a", settings_of(item, making()))


def test_a_name_that_another_video_holds_is_told(root, tmp_path):
    item = Two().index(root).items[0]
    write_record(tmp_path, "a", Record(settings_of(item, making()), ["a"], video=str(item.video)))
    assert another_videos(tmp_path, "a", item) == ""
    (root / "elsewhere.mp4").write_bytes(b"other" * 300)
    assert another_videos(tmp_path, "a", replace(item, video=root / "elsewhere.mp4")) == str(item.video)
    (root / "copy.mp4").write_bytes(item.video.read_bytes())
    assert another_videos(tmp_path, "a", replace(item, video=root / "copy.mp4")) == ""


# --- the shelf


def test_a_shelf_holds_a_clip_of_the_same_making_and_frames_alone(tmp_path):
    def write(place, settings):
        write_clip(place, Labels("s", "", "folder", "", "a"))
        text = json.loads((place / "clip.json").read_text())
        (place / "clip.json").write_text(json.dumps(text | {"sources": settings | {"a.mp4": "0" * 64}}))

    shelf = Shelf(tmp_path / "out", tmp_path / "scratch", "a", {"video": "x", "size": "64"})
    assert not shelf.holds("a", 0, 3)
    write(tmp_path / "scratch" / "a", shelf.settings)
    write_record(tmp_path / "out", "a", Record({"video": "x", "size": "128"}, ["a", "a.shot01"]))
    shelf.put("a", 0, 3)
    assert shelf.holds("a", 0, 3)
    assert not shelf.holds("a", 0, 4)
    assert not shelf.holds("a", 25, 3)
    assert not replace(shelf, settings=shelf.settings | {"size": "128"}).holds("a", 0, 3)
    # The record of the clip that was replaced vouches for nothing, and still tells what there was.
    assert read_record(tmp_path / "out", "a", {"video": "x", "size": "128"}) is None
    assert replaced_clips(tmp_path / "out", "a", ["a"]) == ["a.shot01"]


def test_what_another_process_put_there_meanwhile_stays(tmp_path):
    shelf = Shelf(tmp_path / "out", tmp_path / "scratch", "a", {})
    for place in ("out", "scratch"):
        write_clip(tmp_path / place / "a", Labels("s", "", "folder", "", "a"))
    before = (tmp_path / "out" / "a" / "clip.json").stat().st_mtime_ns
    shelf.put("a", 0, 3)
    assert (tmp_path / "out" / "a" / "clip.json").stat().st_mtime_ns == before
    assert (tmp_path / "scratch" / "a").is_dir()


def test_half_a_record_is_none(root, tmp_path):
    (tmp_path / ".records").mkdir()
    (tmp_path / ".records" / "a.json").write_text('{"settings": {')
    assert read_record(tmp_path, "a", {}) is None


def test_a_print_tells_files_apart_by_size_and_ends(tmp_path):
    body = b"x" * 200_000
    for name, content in (("a", body), ("b", body), ("c", body + b"y"), ("d", b"z" + body[1:])):
        (tmp_path / name).write_bytes(content)
    prints = [quick_print(tmp_path / name) for name in "abcd"]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3
    assert "unreadable" in quick_print(tmp_path / "absent")


def test_the_users_own_files_are_part_of_what_a_clip_depends_on(tmp_path):
    (tmp_path / "flame.npz").write_bytes(b"one")
    flame = Flame(path=str(tmp_path / "flame.npz"))
    before = files_read(flame)
    (tmp_path / "flame.npz").write_bytes(b"two")
    assert before
    assert files_read(flame) != before
    assert files_read(MakeHuman()) == ""
    assert files_read(Flame(path=str(tmp_path / "absent.npz"))) == ""
    folder = Flame(path=str(tmp_path))
    before = files_read(folder)
    (tmp_path / "more.npy").write_bytes(b"")
    assert files_read(folder) != before


# --- names of a user's own videos


def test_videos_of_one_name_are_told_apart_by_their_folders(tmp_path):
    paths = [tmp_path / p for p in ("x/talk.mp4", "y/talk.mp4", "y/other.mp4", "y/talk.mov", "x/talk.mp4")]
    names = {item.name: item.video for item in videos_index(paths).items}
    assert names["other"] == paths[2]
    assert names["x-talk"] == paths[0]
    assert {n for n in names if n not in ("other", "x-talk")} == {"y-talk-mp4", "y-talk-mov"} or len(names) == 4
    assert len(names) == 4


def test_a_folder_that_prepare_wrote_gives_its_labels(tmp_path, prepared, root):
    from erlnet.data.clip import Indexed, write_index

    out = tmp_path / "prepared"
    for name in ("a", "b"):
        write_clip(out / name, Labels(name, "", "mead", "train", name))
    write_index(out, [Indexed(out / n, Labels(n, "", "mead", s, n)) for n, s in (("a", "train"), ("b", "test"))])
    stage = prepare(FolderSource(PrepareOptions()), out, tmp_path / "runs")
    assert [(c.name, c.labels.split) for c in open_index(stage)] == [("a", "train"), ("b", "test")]
