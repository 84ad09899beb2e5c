"""A start that comes to nothing is begun again; one that comes to something never is."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch
from renderer_toys import FUSIONS, Silent, make_components, make_settings, make_toy

from erlnet.nerf.branches import BranchParts
from erlnet.nerf.checkpoints import Kept
from erlnet.nerf.components import Single
from erlnet.nerf.dual import DualBranches
from erlnet.nerf.early import Signs, begin_seed, check_step, part_mean, what_is_dead
from erlnet.nerf.training import train_renderer

BUILT: list[int] = []  # seeds at which branches were built


@dataclass(frozen=True)
class Stillborn:
    """Dual branches of which the first `starts` are so transparent that no gradient reaches them."""

    starts: int = 1
    branch: str = "head"

    VERSION: ClassVar[int] = 1

    def build(self, parts: BranchParts):
        branches = DualBranches(parts)
        BUILT.append(torch.initial_seed())
        if len(BUILT) <= self.starts:
            torch.nn.init.constant_(getattr(branches, self.branch).field.to_density.bias, -20.0)
        return branches


class Notes(Silent):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


@pytest.fixture(autouse=True)
def nothing_built():
    BUILT.clear()


def train(toy, starts, branch="head", kept=None, progress=None, seed=3):
    components = replace(make_components(), branches=Stillborn(starts, branch))
    return train_renderer(toy, components, make_settings(), seed, progress or Notes(), kept)


@pytest.mark.parametrize(("branch", "part"), [("head", "face"), ("static", "torso")])
def test_a_dead_start_is_begun_again_with_other_weights_and_recovers(toy, branch, part):
    progress = Notes()
    model, metrics = train(toy, 1, branch, progress=progress)
    assert (metrics["restarts"], metrics["dead"]) == (1, 0)
    assert [3, begin_seed(3, 1)] == BUILT
    (note,) = progress.notes
    assert note.startswith(f"after 25 steps opacity on the {part} is ")
    whole = model.render(toy.signal, toy.head_to_world, toy.root)
    assert (whole.head if branch == "head" else whole.static).opacity.amax() > 0.6
    BUILT.clear()
    ours, theirs = model.state_dict(), train(toy, 0, seed=begin_seed(3, 1))[0].state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)  # all its steps, and nothing of the dead start


def test_without_the_early_look_the_dead_start_would_have_stayed_dead(toy, monkeypatch):
    monkeypatch.setattr("erlnet.nerf.training.check_step", lambda steps: None)
    model, metrics = train(toy, 1)
    assert metrics["restarts"] == 0
    assert model.render(toy.signal, toy.head_to_world, toy.root).head.opacity.amax() < 0.01


def test_after_three_restarts_it_goes_on_and_says_so(toy):
    progress = Notes()
    _, metrics = train(toy, 99, progress=progress)
    assert (metrics["restarts"], metrics["dead"]) == (3, 1)
    assert len(set(BUILT)) == len(BUILT) == 4
    assert "3 times already" in progress.notes[-1]


def test_a_restart_survives_a_kill(toy, tmp_path):
    class KilledAfterARestart(Notes):
        def update(self, step, total, loss=None):
            if self.notes and step == 10:
                raise KeyboardInterrupt

    expected, _ = train(toy, 1)
    BUILT.clear()
    kept = Kept(tmp_path, "renderer-000", every=0.0)
    with pytest.raises(KeyboardInterrupt):
        train(toy, 1, kept=kept, progress=KilledAfterARestart())
    model, metrics = train(toy, 1, kept=kept)
    assert metrics["restarts"] == 1
    ours, theirs = model.state_dict(), expected.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("seed", range(2))
def test_a_healthy_start_is_never_begun_again(toy, fusion, seed):
    _, metrics = train_renderer(toy, make_components(fusion), make_settings(steps=50), seed, Silent())
    assert (metrics["restarts"], metrics["dead"]) == (0, 0)


def test_a_single_branch_is_looked_at_as_one(toy):
    components = replace(make_components(), branches=Single())
    assert train_renderer(toy, components, make_settings(steps=50), 0, Silent())[1]["restarts"] == 0


def test_a_person_without_a_torso_in_the_frames_looked_at_is_not_called_dead():
    from erlnet.nerf.early import part_opacity
    from erlnet.nerf.footage import scene_of
    from erlnet.nerf.model import DbfNerf

    toy = make_toy()
    model = DbfNerf(make_components(), make_settings(), scene_of(toy))
    assert part_opacity(model, toy).keys() == {"face", "torso"}
    hidden = replace(toy, regions=toy.regions & ~torch.tensor(1 << 5, dtype=torch.uint8))  # bit 5 is the torso
    assert part_opacity(model, hidden).keys() == {"face"}


def test_what_is_called_dead():
    alive = Signs({"face": 0.6, "torso": 0.5}, 1.0, 0.9)
    assert what_is_dead(alive) == ""
    assert (
        what_is_dead(alive._replace(opacity={"face": 0.29, "torso": 0.5})) == "opacity on the face is 0.29, under 0.3"
    )
    assert "torso" in what_is_dead(alive._replace(opacity={"torso": 0.0}))
    assert what_is_dead(alive._replace(loss=1.0)) == "the loss is 1 and was 1"
    assert what_is_dead(alive._replace(loss=math.nan)) != ""


def test_when_it_is_looked():
    assert check_step(9000) == 450  # a twentieth
    assert check_step(100) == 25  # no sooner
    assert check_step(50) == 25
    assert check_step(49) is None  # nothing would be left to train


def test_the_mean_over_a_part_counts_blocks_that_mostly_lie_in_it():
    maps = torch.tensor([[0.1, 0.2], [0.4, 0.8]]).view(1, 1, 2, 2)
    mask = torch.zeros(1, 4, 4, dtype=torch.bool)
    mask[0, :2, :2] = True
    mask[0, 2:, 2:] = torch.tensor([[True, True], [True, False]])
    mask[0, :2, 2:] = torch.tensor([[True, True], [False, False]])  # half of it: left out
    assert part_mean(maps, mask) == pytest.approx((0.1 + 0.8) / 2)
    assert math.isnan(part_mean(maps, torch.zeros_like(mask)))
