from types import SimpleNamespace

import torch

from erlnet.head.project import project


def test_projection_by_hand():
    camera = SimpleNamespace(fx=100.0, fy=200.0, cx=64.0, cy=32.0)
    points = torch.tensor([[0.0, 0.0, 1.0], [0.5, 0.25, 2.0]])
    torch.testing.assert_close(project(points, camera), torch.tensor([[64.0, 32.0], [89.0, 57.0]]))
