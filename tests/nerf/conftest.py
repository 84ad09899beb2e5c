"""Fixtures of the renderer's tests."""

import pytest
import torch
from renderer_toys import make_toy

from erlnet.nerf.footage import RendererData


@pytest.fixture(scope="session")
def toy() -> RendererData:
    return make_toy()


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
