"""Slot `head_model`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from erlnet.head.model import HeadModel


@dataclass(frozen=True)
class MakeHuman:
    """The free head that comes with the package: head, neck and shoulders, 56 shapes, 39 face units (CC0)."""

    VERSION: ClassVar[int] = 1

    def build(self) -> HeadModel:
        from erlnet.head.files import read_makehuman
        from erlnet.head.model import HeadModel

        return HeadModel(read_makehuman())


@dataclass(frozen=True)
class Flame:
    """Your own FLAME file (.pkl or .npz, from flame.is.tue.mpg.de); it has no shoulders.

    `path` is the model, `landmarks` its 68-point embedding ("" looks for landmark_embedding.npy beside it).
    """

    VERSION: ClassVar[int] = 1
    path: str = ""
    landmarks: str = ""
    n_shape: int = 100
    n_expression: int = 50

    def build(self) -> HeadModel:
        from erlnet.head.flame import read_flame
        from erlnet.head.model import HeadModel

        return HeadModel(read_flame(self.path, self.landmarks, self.n_shape, self.n_expression))
