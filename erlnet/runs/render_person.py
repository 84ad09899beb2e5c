"""The person that a trained renderer shows, and where they stood in training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from erlnet.data.clip import Clip
from erlnet.errors import UserError
from erlnet.nerf.model import DbfNerf
from erlnet.registry import did_you_mean
from erlnet.runs.render_poses import HeadPath, on_root
from erlnet.runs.renderer_signal import hears
from erlnet.runs.renderer_stages import load_renderer_of, pinhole, renderer_speakers, torso_of
from erlnet.runs.trained_run import TrainedRun

_SAME_CAMERA = 1e-3  # relative, between intrinsics that went through a file and such that did not


@dataclass(frozen=True, eq=False)
class Person:
    """One speaker of a run, ready to be rendered."""

    run: TrainedRun
    speaker: str
    model: DbfNerf

    @property
    def hears(self) -> bool:
        """Whether sound itself drives the renderer."""
        return hears(self.model.components.conditioning)

    @cached_property
    def root(self) -> np.ndarray:
        """(4,4) the torso in the speaker's first training clip: where motion without a place of its own is put."""
        first = next(clip for clip in self.run.split.train if clip.labels.speaker == self.speaker)
        return first.coefficients.root

    @cached_property
    def centre(self) -> np.ndarray:
        """(3,) m, the middle of the head in the head's frame: what a free camera turns about."""
        return self.model.scene.head_box.mean(0).cpu().numpy()

    def seen(self, clip: Clip) -> Clip | None:
        """The clip at the renderer's size where its frames show this person before the renderer's camera, else None."""
        if clip.labels.speaker != self.speaker or not clip.has_frames:
            return None
        try:
            reduced = clip.reduced_to(self.model.scene.camera.height)
        except UserError:  # a size that no whole factor leads to: not the camera that the renderer knows
            return None
        theirs, ours = pinhole(reduced.camera), self.model.scene.camera
        names = ("fx", "fy", "cx", "cy", "height", "width")
        alike = np.allclose([getattr(theirs, n) for n in names], [getattr(ours, n) for n in names], rtol=_SAME_CAMERA)
        return reduced if alike else None

    def path_of(self, clip: Clip) -> HeadPath:
        """How the clip's head and torso move: as tracked where the clip shows this person before the renderer's camera.

        Else the head's motion against the torso alone, on this person's torso.
        """
        c, seen = clip.coefficients, self.seen(clip)
        if seen is not None:
            return HeadPath(c.head_to_world, torso_of(seen).numpy())
        return on_root(c.neck.astype(np.float32), self.root)


def open_person(run: TrainedRun, asked: str | None, likely: str | None) -> Person:
    """`asked` is `--speaker`; without it `likely`, where the run has their renderer, else the run's first."""
    folder = run.inputs["renderer"]
    speakers = renderer_speakers(folder)
    if asked is not None and asked not in speakers:
        raise UserError(f"--speaker {asked}: the run has no renderer of theirs; {did_you_mean(asked, speakers)}")
    known = [name for name in (asked, likely) if name is not None and name in speakers]
    speaker = known[0] if known else speakers[0]
    torch.set_num_threads(run.threads)
    return Person(run, speaker, load_renderer_of(folder, speaker))
