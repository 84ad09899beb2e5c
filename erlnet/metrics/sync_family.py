"""The family `sync`: SyncNet, with the user's weights; erlnet.metrics.sync_family_ridge needs none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from erlnet.interfaces import Progress
from erlnet.metrics.pairs import ClipPair, Row, Unavailable
from erlnet.metrics.protocol import MIN_PAIRS
from erlnet.metrics.sync_cards import SYNC, SYNCNET_VARIABLE, check_sounds, syncnet_file
from erlnet.metrics.syncnet import Sync, sync_of
from erlnet.metrics.syncnet_crop import cut_out, face_squares
from erlnet.metrics.syncnet_model import COLUMNS, FRAMES, SIZE, SyncNet, load_syncnet
from erlnet.metrics.syncnet_sound import SAMPLES, mfcc

_BATCH = 20  # windows at once: 24 frames of 224 x 224 and what the network makes of them


class SyncNetFamily:
    """Rows a clip: `lse_c`, `lse_d`, `sync_offset` of the render's picture against the reference's sound.

    Memory is flat in the length. Without weights it is unavailable: nothing is ever computed with others.
    """

    name = SYNC

    def __init__(self, weights: Path | None = None, network: SyncNet | None = None, device: str = "cpu"):
        """`weights` is the user's file, else the one that ERLNET_SYNCNET names; `network` stands in for both."""
        self._weights, self._network, self._device = weights, network, torch.device(device)

    def score(self, pairs: list[ClipPair], progress: Progress | None = None) -> list[Row]:
        """Raises Unavailable without weights or sound, or at another rate than 25; UserError for an unfit file."""
        if self._network is None:
            path = self._weights or syncnet_file()
            if path is None:
                raise Unavailable(
                    "no SyncNet weights are given",
                    f"get syncnet_v2.model from SyncNet's authors and set {SYNCNET_VARIABLE}=FILE",
                )
            self._network = load_syncnet(path)
        self._network.to(self._device)
        check_sounds(pairs)
        rows: list[Row] = []
        done, total = 0, sum(len(pair) for pair in pairs)
        for pair in pairs:
            found = self._sync(pair)
            rows += [
                Row(pair.name, None, "lse_c", "face", found.lse_c if found else None),
                Row(pair.name, None, "lse_d", "face", found.lse_d if found else None),
                Row(pair.name, None, "sync_offset", "face", float(found.offset) if found else None),
            ]
            done += len(pair)
            if progress is not None:
                progress.update(done, total)
        return rows

    def _sync(self, pair: ClipPair) -> Sync | None:
        """None without sound, without a face, or with fewer than 10 windows."""
        squares = face_squares(np.asarray(pair.landmarks, np.float64))
        if pair.sound is None or squares is None:
            return None
        sound = pair.sound()
        windows = min(len(pair), len(sound) // SAMPLES) - FRAMES  # one fewer than would fit, as published
        if windows < MIN_PAIRS:
            return None
        columns = torch.from_numpy(mfcc(sound)).float()  # (13,M), four a frame
        lips, heard = [], []
        for start in range(0, windows, _BATCH):
            stop = min(start + _BATCH, windows)
            lips.append(self._lips(pair, squares, start, stop))
            heard.append(self._sound(columns, start, stop))
        return sync_of(torch.cat(lips), torch.cat(heard))

    @torch.inference_mode()
    def _lips(self, pair: ClipPair, squares: Float[np.ndarray, "T 3"], start: int, stop: int) -> Float[Tensor, "N D"]:
        assert self._network is not None
        last = stop + FRAMES - 1
        frames = pair.rendered.frames(start, last)
        faces = np.stack([cut_out(frame, square, SIZE) for frame, square in zip(frames, squares[start:last])])
        video = torch.from_numpy(faces[:, ::-1].copy()).to(self._device).float()  # (N+4,3,224,224) BGR
        return self._network.lips(video.unfold(0, FRAMES, 1).permute(0, 1, 4, 2, 3)).cpu()

    @torch.inference_mode()
    def _sound(self, columns: Float[Tensor, "13 M"], start: int, stop: int) -> Float[Tensor, "N D"]:
        assert self._network is not None
        windows = [columns[:, 4 * t : 4 * t + COLUMNS] for t in range(start, stop)]
        return self._network.sound(torch.stack(windows).to(self._device)).cpu()
