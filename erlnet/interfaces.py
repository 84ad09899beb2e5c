"""Every slot's Protocol.

A *component* is a frozen dataclass whose fields are its options; `build` makes the working part and is the only place
that imports anything heavy. Registry, planner and `components` see the dataclass alone, so they never import torch.
Tensor shapes stand in the docstrings; B batch, T time, H W image px, h w feature-map px, C channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from erlnet.adf.codec import MotionCodec
    from erlnet.head.model import HeadModel
    from erlnet.nerf.branches import BranchParts

SLOTS: dict[str, str] = {  # slot -> its default component
    "dataset": "demo",
    "tracker": "landmarks",
    "head_model": "makehuman",
    "audio": "logmel",
    "vq": "dual",
    "quantizer": "ema",
    "style": "transformer",
    "speech_loss": "none",
    "branches": "dual",
    "conditioning": "flame",
    "encoding": "triplane",
    "deform": "pose",
    "fusion": "feature",
    "upsampler": "cnn",
    "perceptual": "none",
}

REGIONS: tuple[str, ...] = ("head", "face", "mouth", "eyes", "neck", "torso", "background", "unknown")
"""Bit i of a region map is REGIONS[i]; regions overlap (mouth lies in face, face in head). "frame" is every pixel."""


@runtime_checkable
class Component(Protocol):
    """What every slot holds: a frozen dataclass of options with a docstring whose first line says what it does."""

    VERSION: ClassVar[int]  # raised when the same options give another result; part of every key

    def build(self, *args: object) -> object: ...


@runtime_checkable
class Progress(Protocol):
    """Where a long piece of work tells how far it is."""

    def update(self, step: int, total: int, loss: float | None = None) -> None: ...

    def note(self, text: str) -> None: ...


@dataclass(frozen=True)
class Preparation:
    """What a source of clips is asked for."""

    data: Path | None  # what the user named
    out: Path  # for the index, and for clips that are made in one go
    store: Path  # for clips; it outlives an interruption and is shared by all sweeps of an output folder
    tracker: Tracker
    head_model: HeadModelComponent
    jobs: int  # clips that may be made at a time; their bytes do not depend on it
    progress: Progress


class Dataset(Protocol):
    """Slot `dataset`: where clips come from.

    Two attributes of the component say what its clips hold, True where they are absent: `FRAMES: ClassVar[bool]`,
    pictures with their regions and landmarks, and `SOUND: ClassVar[bool]`. Where an option decides, it is a property.
    They are read from the component with its options set, before any data is looked at and without torch: without
    frames no renderer is trained, without sound no mapper.
    """

    def build(self) -> ClipSource: ...


class ClipSource(Protocol):
    def fingerprint(self, data: Path | None) -> dict:
        """What the prepared clips depend on beside the options (content hashes), JSON-able; imports no torch."""

    def prepare(self, wanted: Preparation) -> None:
        """Writes `wanted.out`/index.json and the clip folders (erlnet.data.clip) that it lists.

        Clips go under `out`, or under `store`: what lies there finished is not made again. Raises UserError on unusable
        data.
        """


@dataclass(frozen=True)
class Origin:
    """Where a clip's frames come from, for trackers that import what another tool found in the same video."""

    name: str  # the clip's
    video: Path
    frames: np.ndarray  # (T,) int: the source frame that each 25 fps frame shows, counted from the video's first
    times: np.ndarray  # (T,) s after the video's first picture: the middle of each 25 fps frame
    left: float  # px of the upright source picture: where the square cut begins
    top: float
    scale: float  # clip px per source px


@dataclass(frozen=True)
class Observation:
    """What a tracker sees of one clip."""

    landmarks: np.ndarray  # (T,68,2) px, NaN where there is no face
    size: tuple[int, int]  # (height, width) px
    fps: float
    blendshapes: np.ndarray | None  # (T,E) in [0,1] in the head model's expression order, or None
    lids: np.ndarray | None  # (T,2) in [0,1], or None
    focal: float | None  # px where the camera is known (demo), else None: fitted
    root: np.ndarray | None  # (4,4) where the torso is known (demo), else None: fixed by the tracker
    dense: np.ndarray | None = None  # (T,478,2) px, mediapipe's mesh where the tracker has it
    shape: np.ndarray | None = None  # (S,) where it is known, from another clip of the same person say, else fitted
    origin: Origin | None = None  # None: the clip was not cut from a video (demo)


@dataclass(frozen=True)
class Tracked:
    """What a tracker makes of one clip."""

    coefficients: Any  # erlnet.data.clip.Coefficients of the whole clip
    focal: float  # px, the camera's: as observed, or fitted where it was not known; the principal point is the centre
    report: dict[str, float]  # reprojection error px, jitter, frames rejected, ...: what clip.json keeps


class Tracker(Protocol):
    """Slot `tracker`: landmarks -> coefficients."""

    def build(self) -> Callable[[Observation, HeadModel, Progress], Tracked]: ...


class HeadModelComponent(Protocol):
    """Slot `head_model`: the deformable head, in FLAME's layout."""

    def build(self) -> HeadModel: ...


class Audio(Protocol):
    """Slot `audio`: sound -> features at the video's frame rate."""

    def build(self) -> AudioEncoder:
        """AssetMissing, with the command that gets it, where the model is not here: nothing is downloaded."""


class AudioEncoder(Protocol):
    """Deterministic, without gradients; sound of any length, in memory that grows with sound and features alone."""

    width: int
    future: float
    """Seconds of sound after a frame's end that its row depends on at most: what live use must wait for.

    math.inf where the row depends on the whole sound, or on a window of it.
    """

    def __call__(self, samples: np.ndarray, n_frames: int) -> np.ndarray:
        """(N,) float32 mono at 16 kHz -> (n_frames, width) float32, row t centred on video time (t + 0.5) / 25 s.

        Frame t lasts from t / 25 to (t + 1) / 25 s. Sound that is shorter than the frames counts as silence after its
        end. UserError where there is no sound, no frame, or a sample that is no number.
        """


class Quantizer(Protocol):
    """Slot `quantizer`: continuous latents -> codes."""

    def build(self, width: int) -> nn.Module:
        """A module: (B,T,width) -> (quantised (B,T,width), indices (B,T) int64, commitment loss ()).

        It has `codebook_size: int` and `decode_indices((B,T)) -> (B,T,width)`, and may have `restarted: int`, how many
        unused codes were set anew so far. In eval mode it changes nothing of itself.
        """


class Vq(Protocol):
    """Slot `vq`: the motion codec over the expression and pose streams (paper: ADF's two VQ-VAEs).

    A component without codes says `CODES: ClassVar[bool] = False`: nothing is reconstructed from it, and it has no
    codebook to be scored. Absent means True.
    """

    def build(self, expression_width: int, pose_width: int, quantizer: Quantizer) -> MotionCodec:
        """An untrained codec, most often a MotionCodec of other parts; stage `codec` trains its `parts`.

        The expression stream's width counts jaw (3) and lids (2), the pose stream's is 6.
        """


class Style(Protocol):
    """Slot `style`: a style clip's coefficients -> one vector."""

    def build(self, expression_width: int, pose_width: int, width_out: int) -> nn.Module:
        """A module: (standardised streams side by side (B,T,E+P), mask (B,T) bool) -> (B,width_out); any T >= 1."""


class SpeechLoss(Protocol):
    """Slot `speech_loss`: ties generated motion to sound; `build` gives None for no such loss."""

    def build(self, motion_width: int, audio_width: int) -> nn.Module | None:
        """A module: (generated (B,T,M), true motion (B,T,M), sound features (B,T,A)) -> loss ().

        Motion is both standardised streams side by side. Its parameters are trained along with the mapper.
        """


@dataclass(frozen=True)
class FeatureMaps:
    """What one NeRF branch renders, premultiplied by its own opacity (docs/architecture.md, Fusion)."""

    features: Tensor  # (B,C,h,w), F = sum_i w_i f_i
    opacity: Tensor  # (B,1,h,w) in [0,1], A = sum_i w_i
    depth: Tensor  # (B,1,h,w) m, sum_i w_i z_i
    depth_squared: Tensor | None = None
    """(B,1,h,w) m^2, sum_i w_i z_i^2: how thin the surface is. A branch that leaves it out is not taught to be thin."""


class Encoding(Protocol):
    """Slot `encoding`: a spatial feature grid over [-1,1]^3."""

    def build(self, times: int = 1) -> nn.Module:
        """A module: (N,3) in [-1,1] -> (N,width), with `width: int`; gradients reach the points.

        `times` as many features, so that one field can do the work of two: what is trained grows by that factor.
        UserError where what it is made of is not installed here.
        """


class Deform(Protocol):
    """Slot `deform`: how the static branch follows the head pose, by moved points or by an input of its field."""

    def build(self, pose_width: int) -> nn.Module:
        """A module: (points (B,N,3), pose (B,pose_width)) -> points in the static branch's canonical space (B,N,3).

        Where its `condition_width: int` (absent: 0) is not 0, `condition(pose)` -> (B,condition_width) enters the
        field.
        """


class Conditioning(Protocol):
    """Slot `conditioning`: the driving signal -> the head field's condition vector, and where the field is read.

    A component says what drives it: `SIGNAL: ClassVar[str]` is "expression", the expression stream (absent means that),
    or "sound": rows of slot `audio`, `window: int` frames around each frame, side by side; it is then rendered from
    sound and tracked head pose alone. `NEEDS_HEAD: bool` (absent: False) says that it moves points by the head model.
    """

    def build(self, signal_width: int) -> nn.Module:
        """A module: (B,signal_width) -> (B,width), with `width: int`; 0 where nothing enters the field.

        `fit((N,signal_width))` takes the training set's statistics. `canonical(points (K,S,3) m in the head's frame,
        image (K,) int64 in rising order, signals (B,signal_width))` -> (K,S,3) says where each point's field is read;
        it passes no gradient. `erlnet.nerf.conditioning.Condition` does neither and can be derived from.
        """


class Branches(Protocol):
    """Slot `branches`: which NeRFs there are and how their samples are spent.

    `LAYERS: ClassVar[int]` of the component (absent: 2) says how many parts of the person can be trained apart.
    """

    def build(self, parts: BranchParts) -> nn.Module:
        """A module: (rays, driving, (h,w), generator, drop_head) -> (head: FeatureMaps, static: FeatureMaps).

        `generator` (None: none) jitters the samples; `drop_head` leaves the head's samples out. Where `parts.joint`,
        the maps are what of each branch is seen, opacities adding up to at most 1. Training also calls `fit(driving)`,
        `each()` (the erlnet.nerf.branches.Branch modules, to be carved), `tighten(views)` and `targets(regions,
        neck_middle, factor)` (erlnet.nerf.regions); `gated: bool` says whether the health gate has a meaning for it.
        """


class Fusion(Protocol):
    """Slot `fusion`: the branches' maps and the background plate -> the image.

    What a component may say of itself, False where absent: `JOINT`, that it wants both branches' samples composited
    together; `SEPARATE`, that it trains head and torso apart; `KEEPS_CONSTANTS`, that features which are the same
    everywhere stay so, whatever the opacities. Where both opacities are 0 every fusion shows the plate.
    """

    def build(self, channels: int, factor: int, upsampler: Upsampler) -> nn.Module:
        """A module: (head: FeatureMaps, static: FeatureMaps, plate (B,C,h,w), decode) -> image (B,3,H,W).

        `decode` is the shared upsampler: (B,C,h,w) -> (B,3,H,W); `upsampler` is its component, for a fusion that
        needs a network of the same size after the overlay.
        """


class Upsampler(Protocol):
    """Slot `upsampler`: fused features -> image."""

    def build(self, channels: int, factor: int) -> nn.Module:
        """A module: (B,channels,h,w) -> (B,3,h*factor,w*factor)."""


class Perceptual(Protocol):
    """Slot `perceptual`: an extra image loss; `build` gives None for no such loss."""

    def build(self) -> nn.Module | None:
        """A module: (image (B,3,H,W), truth (B,3,H,W), both in [0,1]) -> loss (), weighted; gradients go to `image`.

        H and W are those of a training window. It is no part of the renderer: its parameters are neither trained nor
        kept. AssetMissing, with the command that gets it, where its weights are not here.
        """


PROTOCOLS: dict[str, type] = {
    "dataset": Dataset,
    "tracker": Tracker,
    "head_model": HeadModelComponent,
    "audio": Audio,
    "vq": Vq,
    "quantizer": Quantizer,
    "style": Style,
    "speech_loss": SpeechLoss,
    "branches": Branches,
    "conditioning": Conditioning,
    "encoding": Encoding,
    "deform": Deform,
    "fusion": Fusion,
    "upsampler": Upsampler,
    "perceptual": Perceptual,
}
