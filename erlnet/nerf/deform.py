"""How the static branch's points follow the head (slot `deform`)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

FREQUENCIES = 2


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
