"""A training that is killed and goes on gives the bits of one that was not."""

import errno
import json
from pathlib import Path

import pytest
import torch
from renderer_toys import Silent, make_components, make_settings

from erlnet.errors import UserError
from erlnet.nerf.checkpoints import CheckpointFile, Kept, Unusable, seconds_between
from erlnet.nerf.training import train_renderer

STEPS = 30


class Killed(Exception):
    pass


class KilledAfter(Silent):
    """Ends the training the hard way once so many steps are done; keeps what it was told."""

    def __init__(self, step=None):
        self.step, self.notes, self.steps = step, [], []

    def update(self, step, total, loss=None):
        self.steps.append(step)
        if step == self.step:
            raise Killed

    def note(self, text):
        self.notes.append(text)


def train(toy, kept=None, progress=None, seed=0, **changes):
    return train_renderer(
        toy, make_components(), make_settings(**({"steps": STEPS} | changes)), seed, progress or Silent(), kept
    )


@pytest.fixture(scope="module")
def uninterrupted(toy):
    torch.set_num_threads(1)
    model, metrics = train(toy)
    return model.state_dict(), metrics


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path, "renderer-000", every=0.0)


def assert_same_bits(state, other):
    assert state.keys() == other.keys()
    assert [name for name in state if not torch.equal(state[name], other[name])] == []


# The occupancy is tightened before step 3 of 30 (a tenth): 4 is killed right after it, with step 3's checkpoint.
@pytest.mark.parametrize("step", [1, 3, 4, 16, STEPS])
def test_a_training_killed_anywhere_goes_on_to_the_same_bits(toy, kept, uninterrupted, step):
    with pytest.raises(Killed):
        train(toy, kept, KilledAfter(step))
    again = KilledAfter()
    model, metrics = train(toy, kept, again)
    assert_same_bits(model.state_dict(), uninterrupted[0])
    assert {k: v for k, v in metrics.items() if "seconds" not in k} == {
        k: v for k, v in uninterrupted[1].items() if "seconds" not in k
    }
    # The step that was killed had not been kept yet.
    assert again.steps == list(range(step, STEPS + 1))
    assert metrics["seconds"] >= metrics["seconds_before"] >= 0


def test_one_killed_several_times_still_does(toy, kept, uninterrupted):
    for step in (5, 9, 20):
        with pytest.raises(Killed):
            train(toy, kept, KilledAfter(step))
    model, metrics = train(toy, kept)
    assert_same_bits(model.state_dict(), uninterrupted[0])
    assert metrics["seconds"] > metrics["seconds_before"] > 0


def test_keeping_changes_no_bit(toy, kept, uninterrupted):
    assert_same_bits(train(toy, kept)[0].state_dict(), uninterrupted[0])


def test_a_checkpoint_is_written_no_more_often_than_asked_for(toy, tmp_path):
    train(toy, Kept(tmp_path, "renderer-000", every=1000.0))
    assert not (tmp_path / "renderer-000.checkpoint").exists()


def test_snapshots_are_the_renderer_after_a_quarter_and_half_of_the_steps(toy, kept):
    train(toy, kept)
    with pytest.raises(Killed):
        # The step that a killed training has just made was not kept, but its snapshot was.
        train(toy, Kept(kept.folder / "other", "renderer-000", every=0.0), KilledAfter(16))
    ours, theirs = (Kept(f, "renderer-000").snapshot("half").read_bytes() for f in (kept.folder, kept.folder / "other"))
    assert ours == theirs
    assert kept.snapshot("quarter").read_bytes() != ours


def spoilt(path: Path, how: str, toy) -> None:
    if how == "truncated":
        path.write_bytes(path.read_bytes()[:-1000])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "foreign":
        torch.save({"weights": torch.zeros(3)}, path)
    elif how == "other format":
        content = torch.load(path, weights_only=True)
        torch.save(content | {"format": 99}, path)
    elif how == "another seed":
        kept = Kept(path.parent, "renderer-000", every=0.0)
        path.unlink()
        with pytest.raises(Killed):
            train(toy, kept, KilledAfter(5), seed=7)
    elif how == "another content":
        content = torch.load(path, weights_only=True)
        del content["state"]["model"]["plate"]
        torch.save(content, path)
    elif how == "code":
        path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")  # a pickle that runs a program


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("truncated", "cannot be read"), ("empty", "cannot be read"), ("foreign", "is no checkpoint"),
        ("other format", "its format is 99"), ("another seed", "training with other seed"),
        ("another content", "its content does not fit"), ("code", "cannot be read"),
    ],
)  # fmt: skip
def test_what_cannot_be_gone_on_from_is_set_aside_with_a_note(toy, kept, uninterrupted, how, reason):
    with pytest.raises(Killed):
        train(toy, kept, KilledAfter(6))
    spoilt(kept.checkpoint, how, toy)
    again = KilledAfter()
    model, _ = train(toy, kept, again)
    assert_same_bits(model.state_dict(), uninterrupted[0])
    assert again.steps[0] == 1
    (note,) = again.notes
    assert reason in note
    assert "\n" not in note
    assert kept.checkpoint.with_name("renderer-000.checkpoint.aside").exists()


@pytest.mark.parametrize("steps", [1, 2])
def test_a_training_of_a_step_or_two_has_its_snapshots_too(toy, kept, steps):
    train(toy, kept, steps=steps)
    assert kept.snapshot("quarter").exists()
    assert kept.snapshot("half").exists()


def test_a_checkpoint_whose_snapshot_is_gone_is_not_gone_on_from(toy, kept, uninterrupted):
    with pytest.raises(Killed):
        train(toy, kept, KilledAfter(20))
    kept.snapshot("quarter").unlink()
    again = KilledAfter()
    assert_same_bits(train(toy, kept, again)[0].state_dict(), uninterrupted[0])
    assert "after a quarter of the steps" in again.notes[0]
    assert kept.snapshot("quarter").exists()


def test_a_training_with_dropout_of_its_own_goes_on_to_the_same_bits(toy, kept, monkeypatch):
    """A stranger's component may draw from the global random state."""
    from erlnet.nerf import training

    plain = training.batch_losses

    def noisy(*arguments):
        losses = plain(*arguments)
        return losses | {"colour": losses["colour"] * (1 + 0.1 * torch.rand(()))}

    monkeypatch.setattr(training, "batch_losses", noisy)
    expected = train(toy)[0].state_dict()
    with pytest.raises(Killed):
        train(toy, kept, KilledAfter(12))
    assert_same_bits(train(toy, kept)[0].state_dict(), expected)


def test_a_full_disk_is_one_line_and_loses_no_checkpoint(toy, kept, uninterrupted, monkeypatch):
    with pytest.raises(Killed):
        train(toy, kept, KilledAfter(6))
    before = kept.checkpoint.read_bytes()

    def full(self, content):
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(
            UserError, match=r"no space left on the disk: .*could not be written; what was finished"
        ) as e:
            train(toy, kept)
    assert "\n" not in str(e.value)
    assert kept.checkpoint.read_bytes() == before
    assert sorted(p.name for p in kept.folder.glob(".*")) == []
    assert_same_bits(train(toy, kept)[0].state_dict(), uninterrupted[0])


def test_a_file_of_another_training_names_what_differs(tmp_path):
    CheckpointFile(tmp_path / "a", {"seed": 0, "threads": 1}, 0.0).write({"step": 3})
    assert CheckpointFile(tmp_path / "a", {"seed": 0, "threads": 1}, 0.0).read() == {"step": 3}
    with pytest.raises(Unusable, match=r"other threads$"):
        CheckpointFile(tmp_path / "a", {"seed": 0, "threads": 2}, 0.0).read()
    assert CheckpointFile(tmp_path / "b", {}, 0.0).read() is None


def test_the_seconds_between_checkpoints_are_read_and_checked():
    assert seconds_between({}) == 60
    assert seconds_between({"ERLNET_CHECKPOINT_SECONDS": "0"}) == 0
    for wrong in ("often", "-1", "inf", "nan"):
        with pytest.raises(UserError, match=f"ERLNET_CHECKPOINT_SECONDS={wrong}: expected seconds"):
            seconds_between({"ERLNET_CHECKPOINT_SECONDS": wrong})


def test_a_batch_that_stops_the_training_is_written_for_reproduction(toy, kept):
    from dataclasses import replace

    from erlnet.nerf.trouble import NotFinite

    signal = toy.signal.clone()
    signal[1] = torch.nan
    with pytest.raises(NotFinite) as e:
        train(replace(toy, signal=signal), kept)
    told = json.loads(kept.batch.read_text())
    assert str(kept.batch) in str(e.value)
    assert f"at step {told['step']}, frames {told['frames']}" in str(e.value)
    assert 1 in told["frames"]
    assert len(told["rows"]) == len(told["columns"]) == len(told["frames"]) == 6
    assert told["window"] == [4, 4]
    assert "nan" in told["losses"].values()
    assert (told["seed"], told["restarts"]) == (0, 0)
