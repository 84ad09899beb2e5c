"""The person matte: mediapipe's selfie segmenter (asset `matte`, extra `track`)."""

from __future__ import annotations

from types import TracebackType

import numpy as np

from erlnet.assets import asset_path
from erlnet.data.detector import INSTALL
from erlnet.errors import UserError

SIDE = 256  # px, what the network looks at


class PersonMatte:
    """How much of each pixel is person; use as a context manager, it holds native resources.

    Raises AssetMissing without the model file, UserError without mediapipe.
    """

    def __init__(self) -> None:
        path = asset_path("matte", needed_for="the person matte of a real video")
        try:
            import mediapipe
            from mediapipe.tasks.python import BaseOptions, vision
        except ImportError as error:
            raise UserError(f"the person matte needs mediapipe ({error}); install it with: {INSTALL}") from None
        self._image, self._format = mediapipe.Image, mediapipe.ImageFormat.SRGB
        self._segmenter = vision.ImageSegmenter.create_from_options(
            vision.ImageSegmenterOptions(
                base_options=BaseOptions(model_asset_path=str(path)),
                output_confidence_masks=True,
                output_category_mask=False,
            )
        )

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """(H,W,3) uint8 RGB -> (H,W) float32 in [0,1]."""
        found = self._segmenter.segment(self._image(image_format=self._format, data=np.ascontiguousarray(frame)))
        return found.confidence_masks[0].numpy_view()[..., 0].copy()

    def close(self) -> None:
        self._segmenter.close()

    def __enter__(self) -> PersonMatte:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
