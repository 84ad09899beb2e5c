"""How the static branch follows the head (slot `deform`): by moved points, by an input of its field, or not."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

FREQUENCIES = 2


def condition_width(deform: nn.Module) -> int:
    """How wide an input of the field the module makes of the pose; 0 for one that only moves points."""
    return int(getattr(deform, "condition_width", 0))


class PoseDisplacement(nn.Module):
    """points + reach * tanh(MLP(point, pose)): collar and neck skin follow the head, the rest stays.

    The last layer starts at zero, so training starts from an undeformed torso.
    """

    def __init__(self, pose_width: int, hidden: int, reach: float):
        super().__init__()
        self.reach = reach
        self.from_point = nn.Linear(3 * (1 + 2 * FREQUENCIES), hidden)
        self.from_pose = nn.Linear(pose_width, hidden, bias=False)
        self.middle = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 3)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        # metres to about [-1,1]: a torso in view is about half a metre wide
        self.scale = 4.0

    def forward(self, points: Float[Tensor, "B N 3"], pose: Float[Tensor, "B P"]) -> Float[Tensor, "B N 3"]:
        """`points` in metres in the torso's frame, `pose` standardised -> canonical points in metres."""
        x = points * self.scale
        waves = [f(x * torch.pi * 2**k) for k in range(FREQUENCIES) for f in (torch.sin, torch.cos)]
        hidden = torch.relu(self.from_point(torch.cat([x, *waves], -1)) + self.from_pose(pose)[:, None])
        hidden = torch.relu(self.middle(hidden))
        return points + self.reach * torch.tanh(self.out(hidden))


class PoseCondition(nn.Module):
    """Points stay; the pose, through a small network, is an input of the field."""

    def __init__(self, pose_width: int, hidden: int, width: int):
        super().__init__()
        self.condition_width = width
        self.net = nn.Sequential(nn.Linear(pose_width, hidden), nn.ReLU(), nn.Linear(hidden, width))

    def condition(self, pose: Float[Tensor, "B P"]) -> Float[Tensor, "B K"]:
        """`pose` standardised -> what the field is conditioned on."""
        return self.net(pose)

    def forward(self, points: Float[Tensor, "B N 3"], pose: Float[Tensor, "B P"]) -> Float[Tensor, "B N 3"]:
        return points


class Unmoved(nn.Module):
    """Points stay, and the field knows no pose: a torso that does not follow the head."""

    def forward(self, points: Float[Tensor, "B N 3"], pose: Float[Tensor, "B P"]) -> Float[Tensor, "B N 3"]:
        return points
