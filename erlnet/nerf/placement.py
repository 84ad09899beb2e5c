"""On which device things lie. Data and random draws stay on the CPU, so that every device sees the same draws."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

Named = TypeVar("Named", bound=NamedTuple)


def moved(named: Named, device: torch.device) -> Named:
    """A named tuple with its tensors on `device`."""
    return type(named)(*(x.to(device) if isinstance(x, Tensor) else x for x in named))


@contextmanager
def made_on(device: torch.device) -> Iterator[None]:
    """New tensors are made on `device` inside, whoever makes them; on the CPU this costs nothing."""
    if device.type == "cpu":
        yield
        return
    with device:
        yield
