"""Sound as the head field's condition (`conditioning=direct`): windows of features, weighed by attention."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from erlnet.nerf.conditioning import Condition, Standardise

CENTRE_SPREAD = 2.0  # frames: how far from its frame the attention looks before it has learnt


class SoundWindows:
    """Reads like a (N, window * A) tensor, of which only the rows that are asked for are made.

    Row t holds the features of frames t - window // 2 to t + (window - 1) // 2, side by side. Beyond the ends of a
    clip its first or last row stands in, so that no window hears another clip.
    """

    def __init__(self, rows: Float[Tensor, "N A"], lengths: Sequence[int], window: int):
        """`rows` of all clips in a row, at 25 fps; `lengths` are the clips' frames and sum up to N."""
        stops = torch.tensor(lengths).cumsum(0)
        counts = torch.tensor(lengths)
        self.rows = rows
        self.first = torch.repeat_interleave(stops - counts, counts)
        self.last = torch.repeat_interleave(stops - 1, counts)
        self.offsets = torch.arange(window) - window // 2
        self.shape = (len(rows), window * rows.shape[1])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Tensor | slice) -> Float[Tensor, "B D"]:
        if isinstance(index, slice):
            index = torch.arange(len(self))[index]
        near = index[:, None] + self.offsets
        near = torch.minimum(torch.maximum(near, self.first[index, None]), self.last[index, None])
        return self.rows[near].flatten(1)


class SoundConditioning(Condition):
    """Convolutions over the window make a code for each of its frames; attention weighs the codes into one.

    After AD-NeRF's audio network and attention (Guo et al. 2021) in one: there the codes of neighbouring windows are
    weighed, here those of the frames of one window. The weights start around the window's middle.
    """

    def __init__(self, signal_width: int, window: int, hidden: int, width: int):
        """`signal_width` is window * A; ValueError where it is no multiple of the window."""
        super().__init__()
        features, rest = divmod(signal_width, window)
        if rest:
            raise ValueError(f"a signal of {signal_width} is no whole number of features in {window} frames")
        self.window, self.width = window, width
        self.standardise = Standardise(features)
        self.encoder = nn.Sequential(
            nn.Conv1d(features, hidden, 1), nn.LeakyReLU(0.1),
            nn.Conv1d(hidden, hidden, 3, padding=1), nn.LeakyReLU(0.1),
            nn.Conv1d(hidden, width, 3, padding=1),
        )  # fmt: skip
        self.scores = nn.Sequential(
            nn.Conv1d(width, 8, 3, padding=1), nn.LeakyReLU(0.1),
            nn.Conv1d(8, 1, 3, padding=1), nn.LeakyReLU(0.1), nn.Flatten(), nn.Linear(window, window),
        )  # fmt: skip
        with torch.no_grad():
            offsets = torch.arange(window) - window // 2
            self.scores[-1].bias.copy_(-((offsets / CENTRE_SPREAD) ** 2) / 2)

    @torch.no_grad()
    def fit(self, signals: Float[Tensor, "N D"]) -> None:
        self.standardise.fit(signals.view(-1, len(self.standardise.mean)))

    def forward(self, signals: Float[Tensor, "B D"]) -> Float[Tensor, "B K"]:
        rows = self.standardise(signals.reshape(-1, len(self.standardise.mean)))
        codes = self.encoder(rows.view(len(signals), self.window, -1).transpose(1, 2))  # (B,K,window)
        weights = F.softmax(self.scores(codes), dim=1)
        return (codes * weights[:, None]).sum(2)
