"""One contract, parametrised over every registered component."""

import pytest

from erlnet import registry
from erlnet.interfaces import SLOTS
from erlnet.testing import check_component

EVERY = [(slot, name) for slot in SLOTS for name in registry.names(slot)]


@pytest.mark.parametrize(("slot", "name"), EVERY, ids=[f"{s}={n}" for s, n in EVERY])
def test_every_component_keeps_its_slots_contract(slot, name):
    check_component(slot, name)


def test_a_component_that_breaks_its_contract_is_told_so(monkeypatch):
    class Wrong:
        def build(self, channels, factor):
            from torch import nn

            return nn.Conv2d(channels, 3, 1)  # forgets to upsample

    from erlnet import testing

    with pytest.raises(AssertionError, match="expected"):
        testing.CHECKS["upsampler"](Wrong())
