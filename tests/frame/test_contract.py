"""One contract, parametrised over every registered component."""

from dataclasses import replace

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


def test_a_fringe_is_found_where_a_fusion_says_that_it_plants_none():
    from erlnet.nerf.fusion import fuse_features
    from erlnet.renderer_contract import check_fusion

    class Fringed:
        KEEPS_CONSTANTS = True

        def build(self, channels, factor, upsampler):
            def fuse(head, static, plate, decode):
                twice = replace(head, features=head.features * head.opacity)  # alpha counts twice
                return decode(fuse_features(twice, static, plate, "over"))

            return fuse

    with pytest.raises(AssertionError, match="a fringe"):
        check_fusion(Fringed())


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("keeps_the_head", "left out is seen"),
        ("ignores_joint", "add up to more than 1"),
        ("never_tightens", "fewer samples"),
    ],
)
def test_branches_that_break_their_contract_are_told_so(fault, message):
    from erlnet.nerf.dual import DualBranches
    from erlnet.renderer_contract import check_branches

    class Keeps(DualBranches):
        def forward(self, rays, driving, size, generator=None, drop_head=False):
            return super().forward(rays, driving, size, generator)

    class Loose(DualBranches):
        def tighten(self, views):
            pass

    made = {
        "keeps_the_head": Keeps,
        "ignores_joint": lambda parts: DualBranches(replace(parts, joint=False)),
        "never_tightens": Loose,
    }

    class Wrong:
        def build(self, parts):
            return made[fault](parts)

    with pytest.raises(AssertionError, match=message):
        check_branches(Wrong())
