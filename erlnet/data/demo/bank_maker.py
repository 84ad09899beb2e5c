"""Fills the motion bank. In one process: another would take as long to start as half of the clips take to make."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from erlnet.data.clip import Indexed, Labels, write_index
from erlnet.data.demo.actor import Actor, cast
from erlnet.data.demo.bank import BankClip, BankPlan, plan_bank
from erlnet.data.demo.speech import Performance, perform
from erlnet.data.demo.studio import one_thread
from erlnet.data.demo.true_motion import true_coefficients
from erlnet.data.motion_clip import write_motion_clip
from erlnet.head.components import MakeHuman
from erlnet.head.model import HeadModel
from erlnet.interfaces import Progress

SIZE = 256  # px of the camera, for those who want to draw the head


def fill(plan: BankPlan, out: Path, progress: Progress) -> None:
    """Writes every clip of `plan` under `out`, and `index.json`. Speakers look as in a demo of the same seed."""
    clips, actors = plan_bank(plan), dict[int, Actor]()
    with one_thread():
        model = MakeHuman().build()
        for done, clip in enumerate(clips, start=1):
            if clip.speaker not in actors:
                actors[clip.speaker] = cast(model, plan.seed, clip.speaker, SIZE)
            actor = actors[clip.speaker]
            performance = performed(plan.seed, clip, model, actor)
            write_motion_clip(
                out / clip.name,
                clip.name,
                Labels(clip.label, clip.style, "bank", clip.split, f"bank seed {plan.seed}: {clip.name}"),
                actor.stage.camera,
                true_coefficients(performance, actor.shape, actor.root),
                performance.audio,
                head_model="makehuman",
            )
            progress.update(done, len(clips))
    write_index(out, [Indexed(out / clip.name) for clip in clips])


def performed(seed: int, clip: BankClip, model: HeadModel, actor: Actor) -> Performance:
    """What the clip says and shows in a bank of that seed."""
    return perform(
        script(seed, clip), clip.speaker, clip.style, clip.n_frames, tuple(model.expression_names), actor.pivot
    )


def script(seed: int, clip: BankClip) -> int:
    """The seed of what the clip says: another for every clip, and none of the demo's, which go by three numbers."""
    return int(np.random.SeedSequence([seed, clip.speaker, clip.index, 1]).generate_state(1)[0])
