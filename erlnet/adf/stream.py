"""Live inference: sound features come in as they are heard, motion goes out as soon as its look-ahead is there."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from erlnet.adf.attention import CHUNK
from erlnet.adf.codec import MotionCodec
from erlnet.adf.generate import check_rows
from erlnet.adf.mapper import Mapper
from erlnet.adf.noise import NoiseSource
from erlnet.adf.training import few_threads
from erlnet.errors import UserError

Motion = tuple[Float[Tensor, "M E"], Float[Tensor, "M 6"]]


class MotionStream:
    """Gives out the same motion as `generate` for the whole sound, up to rounding, frame by frame.

    Each frame waits for `latency_frames` later ones: those that mapper and decoder see ahead (`motion.lookahead` +
    `vq.lookahead`; where these are -1, all that their attention reaches). What the sound features themselves wait for
    comes on top. Memory and the work for a frame are bounded: nothing is kept that no later frame looks back at.
    `style` is `style_vector(...)`, `seed` as in `generate`. Both modules are in eval mode.
    """

    def __init__(self, mapper: Mapper, codec: MotionCodec, style: Float[Tensor, "1 S"], seed: int = 0):
        mapper.check_codec(codec)
        self._mapper, self._codec = mapper, codec
        layout = codec.layout
        self._listen = _Window(lambda rows: mapper.latents(mapper.stretch(rows, style)), mapper.past, mapper.future)
        self._noise = NoiseSource(seed)
        self._speak = _Window(self._decode, layout.past, layout.future)
        self.latency_frames = mapper.future + layout.future
        self._parameters = mapper.inference_parameters(codec)
        self._finished = False

    @torch.no_grad()
    def push(self, features: Float[Tensor, "N A"]) -> Motion:
        """Motion of the M >= 0 frames that the next N >= 0 rows of sound features complete.

        UserError where a row is of another width than in training or holds a value that is no number, and after
        `finish`.
        """
        if self._finished:
            raise UserError("this motion stream is finished; begin another one for more sound")
        if len(features):
            check_rows("sound features", features, self._mapper.feature_width)
        with few_threads(CHUNK, self._parameters):
            return self._split(
                [self._speak.push(self._listen.push(self._beside_noise(rows))) for rows in features.split(CHUNK)]
            )

    @torch.no_grad()
    def finish(self) -> Motion:
        """Motion of the frames that still wait, now that the sound has ended: the last `latency_frames`."""
        if self._finished:
            return self._split([])
        self._finished = True
        with few_threads(CHUNK, self._parameters):
            return self._split([self._speak.push(self._listen.finish()), self._speak.finish()])

    def _beside_noise(self, rows: Float[Tensor, "N A"]) -> Float[Tensor, "1 N A+W"]:
        return torch.cat([rows, self._noise.take(len(rows)).to(rows)], dim=-1)[None]

    def _decode(self, latents: Float[Tensor, "1 T K D"]) -> Float[Tensor, "1 T M"]:
        return torch.cat(self._mapper.motion(self._codec, latents), dim=-1)

    def _split(self, pieces: list[Tensor | None]) -> Motion:
        nothing = self._mapper.mean.new_zeros(1, 0, self._codec.width)
        return self._codec.split(torch.cat([nothing, *(piece for piece in pieces if piece is not None)], dim=1)[0])


class _Window:
    """`run` over axis 1 of (1,T,...), given out once no later row can change it; keeps `past` + `future` rows."""

    def __init__(self, run: Callable[[Tensor], Tensor], past: int, future: int):
        self.run, self.past, self.future = run, past, future
        self.kept: Tensor | None = None  # rows that outputs to come see
        self.done = 0  # how many of them have been given out

    def push(self, rows: Tensor | None) -> Tensor | None:
        """What `rows` complete; None for nothing."""
        if rows is not None:
            self.kept = rows if self.kept is None else torch.cat([self.kept, rows], dim=1)
        return None if self.kept is None else self._give(self.kept.shape[1] - self.future)

    def finish(self) -> Tensor | None:
        """All that is left."""
        return None if self.kept is None else self._give(self.kept.shape[1])

    def _give(self, until: int) -> Tensor | None:
        if until <= self.done or self.kept is None:
            return None
        made = self.run(self.kept)[:, self.done : until]
        self.kept = self.kept[:, max(until - self.past, 0) :]
        self.done = min(until, self.past)
        return made
