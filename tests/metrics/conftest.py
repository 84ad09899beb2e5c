import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Small work on shared cores: threads that wait for each other cost more than they bring."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
