"""One clip's motion, true or made, as every metric of stage one takes it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from erlnet.head.streams import POSE_WIDTH, pack_expression, unpack_expression


@dataclass(frozen=True, eq=False)
class Motion:
    """T frames of both streams. ValueError where lengths or widths disagree, or a value is no number.

    Frames without a tracked face are the caller's to fill or to cut: a metric of motion has no use for a hole.
    """

    name: str  # the clip's; a made motion bears the name of the clip whose sound it was made from
    speaker: str
    style: str | None  # None: not labelled
    expression: np.ndarray  # (T,E) the head model's coefficients
    jaw: np.ndarray  # (T,3) axis-angle rad
    lids: np.ndarray  # (T,2) in [0,1], left and right, 1 shut
    pose: np.ndarray  # (T,6) the head relative to the torso: axis-angle rad, translation m (erlnet.head.streams)
    fps: float = 25.0

    def __post_init__(self) -> None:
        widths = {"expression": None, "jaw": 3, "lids": 2, "pose": POSE_WIDTH}
        for field, width in widths.items():
            rows = getattr(self, field)
            if rows.ndim != 2 or len(rows) != len(self.pose) or width not in (None, rows.shape[1]):
                wanted = f"({len(self.pose)}, {width or 'E'})"
                raise ValueError(f"{self.name}: {field} has shape {rows.shape}, expected {wanted}")
            if not np.isfinite(rows).all():
                raise ValueError(f"{self.name}: {field} holds a value that is no number")
        if not len(self.pose):
            raise ValueError(f"{self.name} has no frames")

    def __len__(self) -> int:
        return len(self.pose)

    @property
    def seconds(self) -> float:
        return len(self) / self.fps

    @property
    def stream(self) -> np.ndarray:
        """(T,E+5) float32, the expression stream."""
        return pack_expression(self.expression, self.jaw, self.lids)

    def with_streams(self, expression_stream: np.ndarray, pose: np.ndarray) -> Motion:
        """The same clip with motion made for it: (T,E+5) and (T,6). Lids are held to [0,1], as a head model takes them.

        T may differ from the clip's; `MotionPair` says whether that is allowed.
        """
        expression, jaw, lids = unpack_expression(np.asarray(expression_stream))
        return replace(self, expression=expression, jaw=jaw, lids=lids, pose=np.asarray(pose))


@dataclass(frozen=True, eq=False)
class MotionPair:
    """One clip as it was and as it was made. ValueError where the two do not cover the same frames."""

    reference: Motion
    made: Motion

    def __post_init__(self) -> None:
        a, b = self.reference, self.made
        if (a.expression.shape, a.fps) != (b.expression.shape, b.fps):
            raise ValueError(
                f"{a.name}: the reference is {a.expression.shape} at {a.fps:g} fps, "
                f"the made motion {b.expression.shape} at {b.fps:g}"
            )
