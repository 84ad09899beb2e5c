"""Slot `tracker`: the two that import what another tool found in the same videos."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from erlnet.data.tracking.emoca import EmocaTracker
    from erlnet.data.tracking.precomputed import PrecomputedTracker


@dataclass(frozen=True)
class Emoca:
    """Imports EMOCA's per-frame codes; focal length, crop and depth must be stated. Needs head_model=flame.

    `path`: EMOCA's output folder, or a folder that holds one such folder a clip, named as the clip or the video's stem.
    `focal` px of the source video, 0: as `camera.json` in the folder states. `crop` [left,top,side] px of the source
    video, one square for all frames, []: as `camera.json` or EMOCA's own `bboxes.pkl` states. `depth`: the head's
    median distance in metres, or `scale` for what EMOCA's scale and `focal` make of it in every frame, "": as
    `camera.json` states. erlnet/data/tracking/emoca_camera.py has the file's form.
    """

    VERSION: ClassVar[int] = 1
    path: str = ""
    focal: float = 0.0
    crop: tuple[float, ...] = ()
    depth: str = ""

    def build(self) -> EmocaTracker:
        from erlnet.data.tracking.emoca import EmocaTracker
        from erlnet.data.tracking.emoca_camera import Camera, depth_of

        return EmocaTracker(self.path, Camera(self.focal, self.crop, depth_of(self.depth, "tracker.depth"), {}))


@dataclass(frozen=True)
class Precomputed:
    """Imports coefficients from an npz or mat file whose layout is stated; by default erlnet's own coefficients.npz.

    `path`: the file, or a folder that holds NAME.npz, NAME.mat or NAME/coefficients.npz for each clip or video stem.
    `expression` to `valid` name arrays, each with a slice of columns if need be (`coeff[80:144]`) or `none`; `rotation`
    with `translation` replaces `pose`. `form`, `angles`, `lengths` and `axes` say what their numbers mean; euler means
    R = Rz Ry Rx. `rows`: what a row belongs to, a `clip` frame, a moment (`time`, `fps` a second from the video's first
    picture on, resampled) or a source `frames`. `focal`: px of the clip, 0: as observed or as clip.json beside it says.
    """

    VERSION: ClassVar[int] = 1
    path: str = ""
    expression: str = "expression"
    jaw: str = "jaw"
    lids: str = "lids"
    eyes: str = "eyes"
    shape: str = "shape"
    pose: str = "head_to_world"
    rotation: str = "none"
    translation: str = "none"
    root: str = "root"
    torso_offset: str = "torso_offset"
    valid: str = "valid"
    form: Literal["axis-angle", "euler", "matrix"] = "axis-angle"
    angles: Literal["rad", "deg"] = "rad"
    lengths: Literal["m", "cm", "mm"] = "m"
    axes: Literal["opencv", "opengl"] = "opencv"
    rows: Literal["clip", "time", "frames"] = "clip"
    fps: float = 25.0
    focal: float = 0.0

    def build(self) -> PrecomputedTracker:
        from erlnet.data.tracking.layout import Layout
        from erlnet.data.tracking.precomputed import PrecomputedTracker

        options = asdict(self)
        return PrecomputedTracker(options.pop("path"), options.pop("focal"), Layout(**options))
