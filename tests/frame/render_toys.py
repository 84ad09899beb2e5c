"""A head that faces a camera, for the tests of what `render` is made of."""

import numpy as np

from erlnet.nerf.cameras import Pinhole
from erlnet.runs.render_poses import HeadPath

ROOT = np.diag([1.0, -1.0, -1.0, 1.0])
ROOT[:3, 3] = 0.1, 0.2, 1.0
CAMERA = Pinhole(100.0, 100.0, 32.0, 32.0, 64, 64)
MIDDLE = np.zeros(3)


def still(n, place=(0.0, 0.0, 1.0)):
    """A head that faces the camera."""
    head = np.tile(np.diag([1.0, -1.0, -1.0, 1.0]), (n, 1, 1)).astype(np.float32)
    head[:, :3, 3] = place
    return HeadPath(head, np.tile(ROOT.astype(np.float32), (n, 1, 1)))
