"""The gradient of an index is the same to the bit, whatever order the threads arrive in."""

import torch

from erlnet.repeatable import fixed_order


def gradients(times: int) -> set[bytes]:
    """Of an index that names every entry many times, on two threads; what this test is about differs without a fixed
    order (18 of 20 when it was written)."""
    generator = torch.Generator().manual_seed(0)
    plate = torch.randn(64, 64, 32, generator=generator)
    rows, columns = (torch.randint(64, (60_000,), generator=generator) for _ in range(2))
    weights = torch.randn(60_000, 32, generator=generator)
    found = set()
    for _ in range(times):
        leaf = plate.clone().requires_grad_()
        (leaf[rows, columns] * weights).sum().backward()
        assert leaf.grad is not None
        found.add(leaf.grad.numpy().tobytes())
    return found


def test_an_index_has_one_gradient():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with fixed_order():
            assert len(gradients(10)) == 1
    finally:
        torch.set_num_threads(before)


def test_outside_nothing_changes():
    state = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory
    with fixed_order():
        assert torch.are_deterministic_algorithms_enabled()
    assert (torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory) == state
