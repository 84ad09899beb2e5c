"""The body of stage `renderer` over two speakers, and the frames that shares of the steps are scored on."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from renderer_toys import Silent, make_toy

from erlnet.errors import UserError
from erlnet.grammar import parse_assignments
from erlnet.grid import resolve
from erlnet.nerf.model import DbfNerf
from erlnet.runs import renderer_stages
from erlnet.runs.budget_stage import Rendering, Strided
from erlnet.runs.notes import study_notes
from erlnet.runs.task import Task
from erlnet.stages import make_plan

WORDS = (
    "triplane.resolution=16 triplane.channels=4 renderer.size=32 renderer.steps=12 renderer.hidden=16 "
    "renderer.window=4 renderer.windows=3 preset=smoke"
)


def plan():
    (variant,) = resolve(parse_assignments(WORDS.split())).variants
    return make_plan(variant, 0, {}, ("tracked",), ("ssim",))


class Dies(Silent):
    """In the second speaker's training."""

    def update(self, step, total, loss=None):
        self.begun = getattr(self, "begun", 0) + (step == 1)
        if self.begun == 2 and step == 5:
            raise KeyboardInterrupt


@pytest.fixture
def two_speakers(monkeypatch):
    """Stands in for prepared clips; the list holds whose frames were read."""
    clips = [SimpleNamespace(labels=SimpleNamespace(speaker=name)) for name in ("anna", "bert")]
    read: list[str] = []

    def training_data(speaker, clips, conditioning, inputs):
        read.append(speaker)
        return make_toy(2 if speaker == "anna" else 3)

    monkeypatch.setattr(renderer_stages, "open_split", lambda *_: SimpleNamespace(train=clips))
    monkeypatch.setattr(renderer_stages, "training_data", training_data)
    monkeypatch.setenv("ERLNET_CHECKPOINT_SECONDS", "0")
    return read


def task(folder: Path, progress=None) -> Task:
    (stage,) = (s for s in plan().stages if s.name == "renderer")
    out = folder / "out"
    out.mkdir(parents=True, exist_ok=True)
    return Task(
        out, {"prepare": folder}, stage.config, None, 0, 1, progress or Silent(), folder, folder / "checkpoints"
    )


def files(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*.safetensors"))}


def test_a_speaker_who_is_done_is_not_trained_again(two_speakers, tmp_path):
    whole = renderer_stages.run_renderer(task(tmp_path / "whole"))
    assert two_speakers == ["anna", "bert"]
    two_speakers.clear()
    with pytest.raises(KeyboardInterrupt):
        renderer_stages.run_renderer(task(tmp_path / "broken", Dies()))
    two_speakers.clear()
    again = renderer_stages.run_renderer(task(tmp_path / "broken"))
    assert two_speakers == ["bert"]
    assert files(tmp_path / "broken/out") == files(tmp_path / "whole/out")
    assert len(files(tmp_path / "whole/out")) == 6
    assert again["speakers"] == whole["speakers"] == ["anna", "bert"]
    assert again["by_speaker"]["anna"]["loss_colour"] == whole["by_speaker"]["anna"]["loss_colour"]
    assert again["seconds_before"] >= again["by_speaker"]["anna"]["seconds"] > 0
    assert whole["seconds_before"] == 0


def test_a_frame_s_arithmetic_is_counted_where_the_renderer_was_trained(two_speakers, tmp_path, monkeypatch):
    def leaves_its_device(self):
        raise AssertionError("encoding=tcnn computes on a GPU alone")

    monkeypatch.setattr(DbfNerf, "cpu", leaves_its_device)
    assert renderer_stages.run_renderer(task(tmp_path))["multiply_adds_per_frame"] > 0


def test_what_is_wrong_with_the_frames_names_the_speaker(two_speakers, tmp_path, monkeypatch):
    monkeypatch.setattr(renderer_stages, "training_data", lambda *_: make_toy(1))
    renderer_stages.run_renderer(task(tmp_path / "one"))  # one frame is enough
    blind = make_toy(1)
    monkeypatch.setattr(renderer_stages, "training_data", lambda *_: replace(blind, valid=~blind.valid))
    with pytest.raises(UserError, match="speaker 'anna': the tracker found a face in none of 1 frames"):
        renderer_stages.run_renderer(task(tmp_path / "none"))


@pytest.mark.parametrize(("restarts", "dead", "said"), [(1, 0, "once with"), (3, 1, "3 times with")])
def test_the_report_says_what_was_begun_again(tmp_path, restarts, dead, said):
    made = plan()
    (stage,) = (s for s in made.stages if s.name == "renderer")
    folder = stage.folder(tmp_path)
    folder.mkdir(parents=True)
    figures = {"anna": {"restarts": restarts, "dead": dead}, "bert": {"restarts": 0, "dead": 0}}
    (folder / "metrics.json").write_text(json.dumps({"by_speaker": figures}))
    assert study_notes("", [made], tmp_path) == ()  # not done yet
    (folder / "DONE").write_text("")
    (note,) = study_notes("", [made], tmp_path)
    assert f"The renderer of anna in {made.variant.name}, seed 0, was begun again {said}" in note
    assert ("came to nothing, too" in note) == bool(dead)


def test_a_stride_takes_every_fifth_frame():
    every = np.arange(12, dtype=np.uint8)[:, None, None, None].repeat(3, 1)
    source = Rendering(12, lambda start, stop: every[start:stop])
    strided = Strided(source, 5)
    assert len(strided) == 3
    assert strided.frames(0, 3)[:, 0, 0, 0].tolist() == [0, 5, 10]
    assert strided.frames(1, 2)[:, 0, 0, 0].tolist() == [5]
    assert len(Strided(source, 6)) == 2
