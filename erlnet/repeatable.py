"""The same bits from the same seed, also with several threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def fixed_order() -> Iterator[None]:
    """Sums are taken in a fixed order inside; outside nothing changes.

    Without it the gradient of an index that names an entry twice (a pixel of the plate that two windows see) is added
    up in whatever order the threads arrive. On a GPU an operation that knows no such order warns instead.
    """
    import torch
    from torch.utils import deterministic as _deterministic

    deterministic: Any = _deterministic  # a module that is set by attribute

    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    filled = deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=True)
    deterministic.fill_uninitialized_memory = False  # it would fill every new tensor, for nothing
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        deterministic.fill_uninitialized_memory = filled
