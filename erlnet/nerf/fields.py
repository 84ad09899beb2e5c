"""The networks that turn encoded points into density and features."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

DENSITY_SCALE = 100.0  # per metre: an opaque surface is about a centimetre thick


def field_parameters(encoded_width: int, condition_width: int, hidden: int, channels: int) -> int:
    """The number of parameters of a `Field`."""
    conditioned = condition_width * hidden + (condition_width + 1) * encoded_width if condition_width else 0
    layers = (encoded_width + 1) * hidden + (hidden + 1) * hidden + hidden + 1
    return conditioned + layers + (hidden + encoded_width + 1) * channels


class Field(nn.Module):
    """(encoded point, condition) -> (density, hidden); `to_features` is linear.

    Because features are linear in `hidden`, sum_i w_i f_i = to_features(sum_i w_i hidden_i) with the bias weighed by
    the opacity: the last layer runs once a ray, not once a sample.
    """

    def __init__(self, encoded_width: int, condition_width: int, hidden: int, channels: int, thickness: float):
        """`thickness` (m): how deep the field is along a ray; it starts half transparent over that depth."""
        super().__init__()
        self.from_point = nn.Linear(encoded_width, hidden)
        self.from_condition = nn.Linear(condition_width, hidden, bias=False) if condition_width else None
        self.gate = nn.Linear(condition_width, encoded_width) if condition_width else None
        self.middle = nn.Linear(hidden, hidden)
        self.to_density = nn.Linear(hidden, 1)
        self.to_features = nn.Linear(hidden + encoded_width, channels)
        # softplus(x) ~ exp(x) here: optical depth 1 over the whole ray, so that every sample gets gradient at first.
        nn.init.constant_(self.to_density.bias, float(torch.log(torch.tensor(1 / (thickness * DENSITY_SCALE)))))
        nn.init.normal_(self.to_features.weight, std=0.1 / hidden**0.5)
        nn.init.zeros_(self.to_features.bias)

    def forward(
        self, encoded: Float[Tensor, "K S E"], condition: Float[Tensor, "K C"] | None
    ) -> tuple[Float[Tensor, "K S"], Float[Tensor, "K S H"]]:
        """Density per metre (>= 0) and the hidden layer of S samples on each of K rays; one condition a ray."""
        if self.gate is not None:
            encoded = encoded * (1 + self.gate(condition))[:, None]
        hidden = self.from_point(encoded)
        if self.from_condition is not None:
            hidden = hidden + self.from_condition(condition)[:, None]
        hidden = torch.relu(self.middle(torch.relu(hidden)))
        density = F.softplus(self.to_density(hidden)[..., 0]) * DENSITY_SCALE
        return density, torch.cat([hidden, encoded], -1)

    def features(self, mean_hidden: Float[Tensor, "K H"], opacity: Float[Tensor, " K"]) -> Float[Tensor, "K C"]:
        """sum_i w_i hidden_i and sum_i w_i -> sum_i w_i f_i."""
        return F.linear(mean_hidden, self.to_features.weight) + opacity[:, None] * self.to_features.bias
