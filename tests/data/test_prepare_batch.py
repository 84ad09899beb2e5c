"""`erlnet prepare` with its worker processes: what is recorded, killed, taken up again; and what its messages say."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest

from erlnet.__main__ import main
from erlnet.assets import asset_present
from erlnet.data import batch
from erlnet.data.batch import prepare_batch
from erlnet.data.clip import open_index
from erlnet.data.components import Folder, Landmarks
from erlnet.data.demo.actor import act, cast
from erlnet.data.demo.filming import build_scene
from erlnet.data.demo.speech import perform
from erlnet.data.items import Item
from erlnet.data.records import Making
from erlnet.data.worker import Place
from erlnet.head.components import MakeHuman

MODELS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "models"
LONG_AGO = 1_000_000_000  # s since the epoch


@dataclass(frozen=True)
class Halting:
    """The tracker, but at a video named `victim` it says who it is and waits to be killed."""

    VERSION: ClassVar[int] = 1
    says: str  # file for its process number

    def build(self):
        track = Landmarks().build()

        def halting(observation, model, progress):
            if observation.origin.video.stem == "victim":
                Path(self.says).write_text(str(os.getpid()))
                time.sleep(60)
            return track(observation, model, progress)

        return halting


class Notes:
    def __init__(self):
        self.texts = []

    def update(self, step, total, loss=None):
        pass

    def note(self, text):
        self.texts.append(text)


# --- inputs


@pytest.fixture(scope="module", autouse=True)
def landmark_model():
    pytest.importorskip("mediapipe", reason="extra `track` is not installed")
    with pytest.MonkeyPatch.context() as patch:
        if not asset_present("landmarks") and MODELS.exists():
            patch.setenv("ERLNET_ASSETS", str(MODELS))
        if not asset_present("landmarks"):
            pytest.skip("the asset `landmarks` is not there: python -m erlnet assets fetch landmarks")
        yield


@pytest.fixture(scope="module")
def videos(made_video, tmp_path_factory):
    """A short and a longer video of one speaker."""
    head = MakeHuman().build()
    actor = cast(head, seed=0, speaker=0, size=128)
    scene, _ = build_scene(actor.stage)
    take = act(head, actor, perform(5, 0, "happy", 8, head.expression_names, actor.pivot))
    pictures = [scene.render(points).image for points in take.points]
    there_and_back = [*pictures, *pictures[::-1]]
    folder = tmp_path_factory.mktemp("videos")
    for name, n in (("a", 12), ("b", 40)):
        made_video(fps=25, n_frames=n, size=(128, 128), paint=lambda i: there_and_back[i % 16]).write(
            folder / f"{name}.mp4"
        )
    return folder / "a.mp4", folder / "b.mp4"


def item_of(path):
    return Item(path.stem, path, path.stem, "", path.stem)


def making(**options):
    return Making("folder", Folder(size=64, matte="never", **options), Landmarks(), MakeHuman())


@pytest.fixture
def untouched(monkeypatch):
    """From now on no worker is started: names of the inputs that would be prepared."""
    names = []

    def keep(waiting, place, making, jobs, progress, records):
        names.extend(work.name for work in waiting)
        records.update({work.name: batch.Record(work.settings) for work in waiting})

    return lambda: monkeypatch.setattr(batch, "_run", keep) or names


# --- the command as a process


def command(*words):
    return subprocess.Popen(
        [sys.executable, "-m", "erlnet", "prepare", *map(str, words)], text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def outcome(process):
    """(exit code, stdout, stderr)."""
    out, err = process.communicate(timeout=100)
    return process.returncode, out, err


def in_session(session):
    """Processes of a session that still run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, own = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if own == str(session) and state not in "ZX":
            found.append(int(folder.name))
    return found


def wait_until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes through /proc")


def clip_files(out):
    """Every file of every clip, by its path in `out`."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for clip in open_index(out)
        for path in sorted(clip.folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(videos, tmp_path_factory):
    """Both videos prepared by two workers, in one go."""
    out = tmp_path_factory.mktemp("whole")
    code, said, _ = outcome(command(*videos, "dataset.cuts=refuse", "--out", out, "--size", 64, "--jobs", 2))
    assert code == 0
    assert said == f"2 clips in {out}\n"
    return out


# --- records


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """A text and an empty file that were tried once: (inputs, place, what came of it)."""
    folder = tmp_path_factory.mktemp("refused")
    text, empty = folder / "text.mp4", folder / "empty.mp4"
    text.write_text("It is no video.")
    empty.touch()
    place = Place(folder / "out")
    host = socket.gethostname()
    dead, living, elsewhere = (
        place.scratch.parent / name for name in (f"{host}-{_dead_process()}", f"{host}-1", "x-2")
    )
    for left in (dead, living, elsewhere):
        (left / "clip").mkdir(parents=True)
    items = [item_of(text), item_of(empty)]
    came = prepare_batch(items, place, making(), 1, Notes())
    return items, place, came, (dead, living, elsewhere)


def _dead_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_inputs_that_cannot_be_used_are_recorded_with_their_reasons(refused):
    items, place, came, _ = refused
    assert came.done == []
    reasons = {item.name: reason for item, reason in came.failed}
    assert "text.mp4: it cannot be read as a video" in reasons["text"]
    assert reasons["empty"].endswith("empty.mp4: the file is empty")
    for item in items:
        record = json.loads((place.out / ".records" / f"{item.name}.json").read_text())
        assert record["failed"] == reasons[item.name]
        assert record["clips"] == []


def test_they_are_tried_again_only_when_bytes_or_settings_change(refused, untouched):
    items, place, came, _ = refused
    tried = untouched()
    again = prepare_batch(items, place, making(), 1, Notes())
    assert again == came
    assert tried == []
    prepare_batch(items, place, making(faces="refuse"), 1, Notes())
    assert tried == ["text", "empty"]
    tried.clear()
    text, before = items[0].video, items[0].video.read_text()
    text.write_text("It is none yet.")
    prepare_batch(items, place, making(), 1, Notes())
    text.write_text(before)
    assert tried == ["text"]


@needs_proc
def test_only_scratch_of_dead_processes_of_this_machine_is_removed(refused):
    _, place, _, (dead, living, elsewhere) = refused
    assert not dead.exists()
    assert living.exists()
    assert elsewhere.exists()
    assert not place.scratch.exists()


def test_a_killed_worker_costs_its_input_alone_which_is_tried_again(videos, tmp_path, untouched):
    victim = tmp_path / "victim.mp4"
    victim.write_bytes(videos[0].read_bytes())
    says, place, notes = tmp_path / "who", Place(tmp_path / "out"), Notes()
    items, halting = [item_of(victim), item_of(videos[0])], replace(making(), tracker=Halting(str(says)))

    def kill():
        wait_until(lambda: says.exists() and says.read_text())
        os.kill(int(says.read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    came = prepare_batch(items, place, halting, 1, notes)
    killer.join()
    assert [record.clips for _, record in came.done] == [["a"]]
    ((item, reason),) = came.broken
    assert item.name == "victim"
    assert reason == f"its process ended with signal 9 (out of memory?); see {place.log}"
    assert [text for text in notes.texts if text.startswith("victim") and reason in text]
    assert not place.scratch.parent.exists()
    tried = untouched()
    prepare_batch(items, place, halting, 1, notes)
    assert tried == ["victim"]
    assert notes.texts[-1] == "1 of 2 inputs were prepared before"


# --- killed and taken up again


@needs_proc
def test_a_killed_command_goes_on_where_it_was_and_its_clips_are_the_same_bytes(videos, whole, tmp_path):
    """`whole` was made by two workers in one go, this by one, with a kill after the first clip."""
    words = (*videos, "dataset.cuts=refuse", "--out", tmp_path, "--size", 64)
    process = command(*words)
    wait_until((tmp_path / ".records" / "a.json").exists)
    os.kill(process.pid, signal.SIGKILL)
    outcome(process)
    wait_until(lambda: not in_session(process.pid), seconds=20)
    assert not (tmp_path / "b").exists()
    for path in (tmp_path / "a").rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    process = command(*words)
    code, said, told = outcome(process)
    assert (code, said) == (0, f"2 clips in {tmp_path}\n")
    assert "1 of 2 inputs were prepared before" in told
    assert all(path.stat().st_mtime == LONG_AGO for path in (tmp_path / "a").rglob("*"))
    wait_until(lambda: not in_session(process.pid), seconds=5)
    assert not (tmp_path / ".unfinished").exists()
    assert [clip.name for clip in open_index(tmp_path)] == ["a", "b"]
    ours, theirs = clip_files(tmp_path), clip_files(whole)
    assert len(ours) > 55
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_clips_of_an_inputs_earlier_bytes_or_settings_do_not_stay_beside_the_new_one(videos, tmp_path):
    earlier = batch.Record({"video": "of other bytes, with a cut"}, clips=["a.shot00", "a.shot01"])
    batch.write_record(tmp_path, "a", earlier)
    for name in (*earlier.clips, "b"):
        (tmp_path / name).mkdir()
    came = prepare_batch([item_of(videos[0])], Place(tmp_path), making(), 1, Notes())
    assert [record.clips for _, record in came.done] == [["a"]]
    assert sorted(folder.name for folder in tmp_path.iterdir() if folder.name[0] != ".") == ["a", "b"]


def test_a_finished_command_issued_again_does_nothing(videos, whole, monkeypatch, capsys):
    monkeypatch.setattr(batch, "_start", lambda place, making: pytest.fail("a worker was started"))
    before = clip_files(whole)
    words = [*map(str, videos), "dataset.cuts=refuse", "--out", str(whole), "--size", "64"]
    assert main(["prepare", *words]) == 0
    assert capsys.readouterr().out == f"2 clips in {whole}\n"
    assert clip_files(whole) == before


@needs_proc
@pytest.mark.parametrize("moment", [0.04, 0.06, 0.3, "writing"])
def test_ctrl_c_stops_all_with_one_line(videos, tmp_path, moment):
    """So many seconds after the worker was started, when it still imports; or when it writes frames."""
    process = command(videos[1], "dataset.matte=never", "--out", tmp_path, "--size", 64)
    wait_until((tmp_path / ".records").exists)
    if moment == "writing":
        wait_until(lambda: list(tmp_path.glob(".unfinished/**/00000.png")))
    else:
        time.sleep(moment)
    os.killpg(process.pid, signal.SIGINT)
    code, said, told = outcome(process)
    assert code == 130
    assert said == ""
    assert told == "\nerlnet: interrupted; what was finished is kept, re-issue the command to go on\n"
    wait_until(lambda: not in_session(process.pid), seconds=5)
    assert not (tmp_path / ".unfinished").exists()
    assert not (tmp_path / "b").exists()


# --- messages and exit codes


def test_bad_inputs_among_good_ones_are_named_and_the_exit_code_is_1(videos, whole, tmp_path, capsys):
    text = tmp_path / "text.mp4"
    text.write_text("It is no video.")
    words = [str(videos[0]), str(text), str(tmp_path / "absent.mp4"), "--out", str(tmp_path / "out"), "--size", "64"]
    assert main(["prepare", *words]) == 1
    said, told = capsys.readouterr()
    assert said == f"1 clip in {tmp_path / 'out'}; 2 inputs failed: see {tmp_path / 'out' / 'quarantine.json'}\n"
    assert "text.mp4: it cannot be read as a video" in told
    rows = json.loads((tmp_path / "out" / "quarantine.json").read_text())
    assert [row["name"] for row in rows] == ["absent", "text"]
    assert all(row["reason"] in told for row in rows)
    assert rows[0]["reason"].endswith("absent.mp4: there is no such file")
    table = (tmp_path / "out" / "clips.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in table] == ["clip", "a"]


def test_a_missing_asset_stops_all_names_the_remedy_and_blames_no_input(videos, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ERLNET_ASSETS", str(tmp_path / "none"))
    assert main(["prepare", str(videos[0]), "dataset.matte=never", "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "python -m erlnet assets fetch landmarks" in told
    assert list((tmp_path / "out" / ".records").glob("*.json")) == []
    assert not (tmp_path / "out" / ".unfinished").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "name videos or folders of videos, or dataset=NAME data=ROOT"),
        (["dataset=demo", "data=."], "dataset=demo makes its own clips"),
        (["VIDEO", "dataset=mead"], "either videos or dataset=NAME data=ROOT, not both"),
        (["VIDEO", "--jobs", "0"], "--jobs 0: expected a whole number from 1"),
        (["VIDEO", "--size", "100"], "size=100: expected a multiple of 64"),
        (["VIDEO", "fusion=pixel"], "fusion: prepare reads dataset, tracker, head_model"),
        (["VIDEO", "dataset.cutts=refuse"], "did you mean 'cuts'"),
        (["VIDEO", "tracker=landmark"], "landmarks"),
        (["VIDEO", "dataset.cuts=split,refuse"], "takes one value"),
        (["VIDEO", "--out", "VIDEO/below"], "cannot be written"),
        (["dataset=mead", "data=absent"], "absent"),
    ],
)  # fmt: skip
def test_a_command_that_cannot_be_is_refused_in_one_line(videos, tmp_path, capsys, words, says):
    words = [word.replace("VIDEO", str(videos[0])) for word in words]
    if "--out" not in words:
        words += ["--out", str(tmp_path / "out")]
    if len(words) == 2:  # argparse wants one input: a setting alone is none
        words = ["dataset.cuts=split", *words]
    assert main(["prepare", *words]) == 2
    said, told = capsys.readouterr()
    assert said == ""
    assert told.startswith("erlnet: ")
    assert told.count("\n") == 1
    assert says in told
    assert not (tmp_path / "out").exists()


def test_unknown_options_of_the_shell_and_no_input_at_all_are_argparses(capsys):
    for words in (["prepare"], ["prepare", "a.mp4"], ["prepare", "a.mp4", "--out", "x", "--job", "two"]):
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert caught.value.code == 2
    assert "usage: python -m erlnet prepare" in capsys.readouterr().err
