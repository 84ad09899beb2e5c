"""What the families `sync` and `sync_ridge` measure, in words, and what their scores depend on. Torch-free.

Also what both ask of a clip: sound, and 25 frames a second.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from erlnet.metrics import protocol as p
from erlnet.metrics import ridge_sync as r
from erlnet.metrics.card import Card
from erlnet.metrics.detectors import LandmarkDetectorName, detector_fingerprint
from erlnet.metrics.pairs import ClipPair, Unavailable

SYNC = "sync"
SYNC_RIDGE = "sync_ridge"
SYNCNET_VARIABLE = "ERLNET_SYNCNET"
FPS = 25.0  # frames a second that both families see
_VERSIONS = {SYNC: 1, SYNC_RIDGE: 1}  # raised when the same inputs give other scores
_NETWORK = (
    "SyncNet (Chung and Zisserman 2016, the user's weights): windows of 5 frames and of .2 s of sound (13 MFCCs every"
    " 10 ms, 16 kHz), 25 frames a second; distance of their points, averaged over the clip, at shifts of +-15 frames,"
    " the sound's point being 0 outside the clip as in the published code. The face is cut out by the reference's"
    " landmarks (2.8 times half of the box's longer side, median of 13 frames, 224 px), where the published code uses"
    " a face detector: values are near to those of papers, not equal"
)
_RIDGE = (
    "Mouth opening predicted from sound (20 log-mel bands a frame, 7 frames either side) by a ridge regression that was"
    " fitted to reference clips and never saw this one, or, where there is but this one, to its other stretches, and"
    " held against the render's opening at shifts of +-15 frames"
)

SYNC_CARDS: tuple[Card, ...] = (
    Card(
        "lse_c", SYNC, "LSE-C", "", None,
        f"{_NETWORK}. Median over the shifts less the least. Above the truth's is not better: hold it against the row"
        " truth, not against nothing.",
        ("face",), False,
    ),
    Card(
        "lse_d", SYNC, "LSE-D", "", None,
        f"{_NETWORK}. The least over the shifts. Under the truth's is not better: hold it against the row truth.",
        ("face",), False,
    ),
    Card(
        "sync_offset", SYNC, "SyncNet's offset", "frames", None,
        f"{_NETWORK}. The shift at which it is least; positive means that the picture is late against the sound. It is"
        " always one of them, also where sound and mouth have nothing to do with each other: read LSE-C beside it.",
        ("face",), False, 0.0,
    ),
    Card(
        "sync_ridge_lag", SYNC_RIDGE, "lag against the sound (ridge)", "frames", None,
        f"{_RIDGE}: the shift of the highest correlation; positive means that the mouth is late. No value, called"
        " undetermined, where z is under 3. Clips under 2 s are joined as for mouth_open_r. The lag is against that of"
        " the clips that the ridge was fitted to.",
        ("mouth",), False, 0.0,
    ),
    Card(
        "sync_ridge_z", SYNC_RIDGE, "peak z (ridge)", "", None,
        f"{_RIDGE}: the highest correlation over the standard deviation that it has between unrelated signals as smooth"
        " as these (Bartlett 1946). Longer clips reach more; above the truth's is not better.",
        ("mouth",), False,
    ),
    Card(
        "sync_ridge_r", SYNC_RIDGE, "peak r (ridge)", "", None,
        f"{_RIDGE}: the highest correlation. On real speech the truth reads about .5; above it is not better.",
        ("mouth",), False,
    ),
    Card(
        "sync_ridge_undetermined", SYNC_RIDGE, "lag undetermined (ridge)", "share", None,
        f"{_RIDGE}: 1 where z is under 3, so that no lag is told, else 0. A mouth that does not follow the sound, and a"
        " clip that is too short to tell, read alike: see the row truth.",
        ("mouth",), False,
    ),
    Card(
        "sync_ridge_missed", SYNC_RIDGE, "frames without a face (ridge)", "share", False,
        "Share of the frames with a face in the reference in which the detector finds none in the render; they take no"
        " part in the correlation.",
        ("face",), False, 0.0,
    ),
    Card(
        "sync_ridge_unseen", SYNC_RIDGE, "reference frames without a face (ridge)", "share", None,
        "Share of all frames in which the detector finds no face in the reference; the ridge is not fitted to them.",
        ("face",), False,
    ),
)  # fmt: skip


def sync_fingerprint(
    family: str, detector: LandmarkDetectorName = "mediapipe", weights: Path | None = None
) -> dict[str, Any]:
    """Everything that the scores of `sync` or `sync_ridge` depend on beside frames and sound; KeyError for another.

    `weights` is SyncNet's file, else the one that ERLNET_SYNCNET names; its sha256 is in the fingerprint, or "absent".
    The clips that a ridge is fitted to are the caller's to name.
    """
    if family == SYNC:
        return {
            "family": family, "version": _VERSIONS[family], "weights_sha256": _digest(weights or syncnet_file()),
            "max_lag": p.MAX_LAG, "min_windows": p.MIN_PAIRS, "fps": FPS, "crop": "landmarks, 2.8, median 13, 224 px",
        }  # fmt: skip
    return detector_fingerprint(detector) | {
        "family": family, "version": _VERSIONS[family], "fps": FPS, "bands": r.BANDS, "reach": r.REACH,
        "strength": r.STRENGTH, "folds": r.FOLDS, "min_z": r.MIN_Z, "max_lag": p.MAX_LAG, "min_pairs": p.MIN_PAIRS,
        "join_seconds": p.JOIN_SECONDS,
    }  # fmt: skip


def syncnet_file(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The file that ERLNET_SYNCNET names; None where it is not set."""
    named = environment.get(SYNCNET_VARIABLE)
    return Path(named).expanduser() if named else None


def check_sounds(pairs: Sequence[ClipPair]) -> None:
    """Unavailable where no clip has sound (one without, among others, has no value), or one has another rate."""
    for pair in pairs:
        if pair.fps != FPS:
            raise Unavailable(
                f"clip '{pair.name}' has {pair.fps:g} frames a second", f"give it at {FPS:g}, which sync is defined at"
            )
    if not any(pair.sound for pair in pairs):
        raise Unavailable("no clip has sound", "give the reference with its sound")


def _digest(path: Path | None) -> str:
    try:
        return "absent" if path is None else _digest_of(path, (stat := path.stat()).st_mtime_ns, stat.st_size)
    except OSError:
        return "absent"


@lru_cache(maxsize=8)
def _digest_of(path: Path, mtime_ns: int, size: int) -> str:
    """Hashes a file once as long as its time and size stay."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
