"""Sample points back to the neutral head: the inverse of the head model's motion, on a grid."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from scipy.spatial import cKDTree
from torch import Tensor, nn

from erlnet.head.rotations import matrix_from_axis_angle
from erlnet.nerf.head_motion import HeadMotion

RESOLUTION = 24  # nodes along each side of the box
NEIGHBOURS = 8  # vertices that a node's motion is read from
FULL, GONE = 0.025, 0.05  # m from the nearest vertex: motion is whole up to there, and none from there on
STEPS = 3  # of the fixed point
JAW, LIDS = slice(-5, -2), slice(-2, None)  # of the expression stream


class HeadWarp(nn.Module):
    """x_c = x_o - D(x_c): from where a point of the moving head came in the neutral one.

    D is the forward displacement: linear in expression, lids and the jaw's R - I, plus the jaw's turn about its joint
    by skinning weight, each read at the nodes of a grid over the head's box and trilinearly between them. All of it
    lies in buffers, so that a checkpoint renders without the head model. Nothing here is learnt.
    """

    low: Tensor  # (3,) m
    high: Tensor  # (3,) m
    moves: Tensor  # (M, G^3 * 3)
    jaw_weight: Tensor  # (G^3,)
    jaw_joint: Tensor  # (3,) m

    def __init__(self, signal_width: int):
        """`signal_width` of the expression stream: E expressions, jaw 3, lids 2."""
        super().__init__()
        nodes = RESOLUTION**3
        for name, shape in (("low", (3,)), ("high", (3,)), ("moves", (signal_width + 6, nodes * 3)),
                            ("jaw_weight", (nodes,)), ("jaw_joint", (3,))):  # fmt: skip
            self.register_buffer(name, torch.zeros(shape))

    @torch.no_grad()
    def take(self, motion: HeadMotion, box: Float[Tensor, "2 3"]) -> None:
        """Spreads a person's motion over a grid on `box` (m, in the head's frame). ValueError for another's width."""
        if len(motion.moves) != len(self.moves):
            raise ValueError(f"the head model moves by {len(motion.moves)} numbers, not {len(self.moves)}")
        self.low.copy_(box[0])
        self.high.copy_(box[1])
        weights, vertices = node_weights(self.nodes().cpu(), motion.vertices)
        moves = torch.stack([(weights[..., None] * move[vertices]).sum(1) for move in motion.moves])
        self.moves.copy_(moves.flatten(1))
        self.jaw_weight.copy_((weights * motion.jaw_weight[vertices]).sum(1))
        self.jaw_joint.copy_(motion.jaw_joint)

    def nodes(self) -> Float[Tensor, "N 3"]:
        """The grid's nodes in metres, x slowest."""
        line = torch.linspace(0, 1, RESOLUTION, device=self.low.device)
        grid = torch.stack(torch.meshgrid(line, line, line, indexing="ij"), -1).flatten(0, 2)
        return self.low + (self.high - self.low) * grid

    def displacement(self, signal: Float[Tensor, "B D"]) -> Float[Tensor, "B 3 G G G"]:
        """The forward displacement (m) at the nodes, for each image's row of the expression stream."""
        turn = matrix_from_axis_angle(signal[:, JAW]) - torch.eye(3, device=signal.device)  # (B,3,3)
        lids = signal[:, LIDS].clamp(0, 1)
        moved = torch.cat([signal[:, : JAW.start], lids, turn.flatten(1)], 1) @ self.moves
        moved = moved.unflatten(1, (-1, 3))
        arm = self.nodes() - self.jaw_joint + moved
        moved = moved + self.jaw_weight[:, None] * (arm @ turn.transpose(1, 2))
        return moved.unflatten(1, (RESOLUTION,) * 3).permute(0, 4, 1, 2, 3)

    @torch.no_grad()
    def forward(
        self, points: Float[Tensor, "K S 3"], image: Int[Tensor, " K"], signal: Float[Tensor, "B D"]
    ) -> Float[Tensor, "K S 3"]:
        """Points (m) of the moving head -> of the neutral head. `image` says whose each ray is, in rising order."""
        if len(points) == 0:
            return points
        # One lookup for all images needs as many rays in each: short ones are filled up.
        counts = torch.bincount(image, minlength=len(signal))
        place = torch.arange(len(image), device=image.device) - (counts.cumsum(0) - counts)[image]
        filled = points.new_zeros(len(signal), int(counts.max()), *points.shape[1:])
        filled[image, place] = points
        displacement = self.displacement(signal)
        origin = filled
        for _ in range(STEPS):
            filled = origin - self.read(displacement, filled)
        return filled[image, place]

    def read(self, displacement: Float[Tensor, "B 3 G G G"], points: Tensor) -> Tensor:
        """(B,R,S,3) trilinearly read at points (B,R,S,3) in metres; outside the box nothing moves."""
        place = (points - self.low) * (2 / (self.high - self.low)) - 1
        # grid_sample counts x along the last axis, ours along the first.
        read = F.grid_sample(displacement, place.flip(-1)[..., None, :], padding_mode="zeros", align_corners=True)
        return read[..., 0].permute(0, 2, 3, 1)


def node_weights(nodes: Float[Tensor, "N 3"], vertices: Float[Tensor, "V 3"]) -> tuple[Tensor, Tensor]:
    """Weights (N,K) of each node's nearest vertices and their numbers: by inverse distance, together 1 at the surface.

    Between FULL and GONE metres from the nearest vertex they fall to 0: hair above the scalp moves with it, the air
    before the mouth does not.
    """
    distance, index = cKDTree(vertices.numpy()).query(nodes.numpy(), k=NEIGHBOURS)
    far = torch.from_numpy(distance).float()
    inverse = 1 / far.clamp_min(1e-4)
    fade = ((GONE - far[:, :1]) / (GONE - FULL)).clamp(0, 1)
    return fade * inverse / inverse.sum(1, keepdim=True), torch.from_numpy(index)
