"""Are sound and mouth in step? A measure without weights: mouth opening as ridge regression predicts it from sound.

1. Sound: 20 log-mel bands a video frame (`band_means` of erlnet.audio.logmel.LogMelEncoder(20, 0, 8000, -80): its four
   10 ms columns averaged, so row t is centred on video time (t + .5) / 25 s), less their mean over the clip.
2. Row t sees frames t-7 to t+7 (the ends of a clip held): 300 features, standardised over the training rows.
3. Opening (erlnet.metrics.face.mouth_opening: inner-lip gap over interocular distance), standardised over its clip,
   because faces differ. Ridge regression of 3 on 2: least squares plus .3 N |w|^2 for N rows.
4. Lag: the shift within +-15 frames at which prediction and opening correlate best, positive = the mouth is late
   against the sound. z: that correlation over the standard deviation which it has between unrelated signals as smooth
   as these, (1/N sum over k of rho_a(k) rho_b(k))^.5 (Bartlett 1946), autocorrelations tapered to 50 frames. Under
   z = 3 the lag is undetermined. One or two in a hundred unrelated pairs reach that on real speech; held against the
   spread of the other 30 lags, which are smooth too, a fourth of them would.

A prediction must never come from a ridge that saw the same frames. And a ridge learns the lag of what it is fitted to:
fitted to other frames of the same clip (`cross_fitted`) it tells a drift within the clip, or a lag against the clip's
own usual one; a lag as such needs a ridge fitted to clips that are in step (`fit_ridge`, `predicted_by_others`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from erlnet.metrics.protocol import MAX_LAG, MIN_PAIRS

BANDS = 20
REACH = 7  # frames of sound on either side
STRENGTH = 0.3  # of the ridge, for each training row
MIN_Z = 3.0  # below it a lag is undetermined
FOLDS = 10
_APART = REACH + MAX_LAG  # frames between a fold and what it is predicted from: neither sound nor a lag reaches across
_MEMORY = 50  # frames over which autocorrelations count
_STILL = 1e-9

Sounding = tuple[Float[np.ndarray, "T 20"], Float[np.ndarray, " T"]]
"""Log-mels and mouth opening of one clip; an opening that is not known is NaN."""
Curve = tuple[Float[np.ndarray, " T"], Float[np.ndarray, " T"]]
"""Predicted and measured opening of one clip, NaN where not known."""


@dataclass(frozen=True)
class Ridge:
    """A linear filter from sound to opening."""

    mean: Float[np.ndarray, " K"]  # of the training rows
    scale: Float[np.ndarray, " K"]
    weights: Float[np.ndarray, " K"]

    def __call__(self, log_mels: Float[np.ndarray, "T 20"]) -> Float[np.ndarray, " T"]:
        """Predicted opening, in standard deviations about the clip's mean."""
        return (heard(log_mels) - self.mean) / self.scale @ self.weights


@dataclass(frozen=True)
class Lag:
    """How late the mouth is."""

    frames: int | None  # positive = mouth late; None: undetermined
    peak: int  # where the correlation is highest, determined or not
    r: float  # there
    z: float


def band_means(rows: Float[np.ndarray, "T 80"]) -> Float[np.ndarray, "T 20"]:
    """LogMelEncoder's rows, four spectra side by side -> their mean. ValueError for other widths."""
    if rows.ndim != 2 or rows.shape[1] % BANDS:
        raise ValueError(f"log-mels have shape {rows.shape}, expected (T, columns * {BANDS})")
    return rows.reshape(len(rows), -1, BANDS).mean(1)


def heard(log_mels: Float[np.ndarray, "T 20"]) -> Float[np.ndarray, "T 300"]:
    """What each frame's row sees, earliest frame first."""
    centred = log_mels - log_mels.mean(0)
    around = np.arange(len(centred))[:, None] + np.arange(-REACH, REACH + 1)
    return centred[around.clip(0, len(centred) - 1)].reshape(len(centred), -1).astype(np.float64)


def fit_ridge(clips: Sequence[Sounding], strength: float = STRENGTH) -> Ridge:
    """One filter for all clips. ValueError where no opening is known."""
    if not clips:
        raise ValueError("no clip to fit a ridge to")
    return _fit(np.concatenate([heard(mels) for mels, _ in clips]), np.concatenate([_standard(o) for _, o in clips]),
                strength)  # fmt: skip


def cross_fitted(
    log_mels: Float[np.ndarray, "T 20"], opening: Float[np.ndarray, " T"], folds: int = FOLDS
) -> Float[np.ndarray, " T"]:
    """Opening predicted from sound, each of `folds` stretches by a ridge of the rest that lies 22 frames off.

    ValueError where the clip is too short for that.
    """
    rows, wanted, n = heard(log_mels), _standard(opening), len(opening)
    out = np.empty(n)
    for fold in range(folds):
        start, stop = fold * n // folds, (fold + 1) * n // folds
        others = np.r_[0 : max(start - _APART, 0), min(stop + _APART, n) : n]
        out[start:stop] = _predict(_fit(rows[others], wanted[others], STRENGTH), rows[start:stop])
    return out


def predicted_by_others(clips: Sequence[Sounding], speakers: Sequence[str]) -> list[Float[np.ndarray, " T"]]:
    """Each clip's opening from its sound, by a ridge of all clips of other speakers. ValueError for a lone speaker."""
    found = {}
    for speaker in dict.fromkeys(speakers):
        found[speaker] = fit_ridge([clip for clip, other in zip(clips, speakers, strict=True) if other != speaker])
    return [found[speaker](mels) for (mels, _), speaker in zip(clips, speakers)]


def lag_of(unit: Sequence[Curve]) -> Lag | None:
    """The lag of one clip, or of several clips taken together, each standardised on its own.

    None where fewer than 10 frames are known on both sides, or a side never moves.
    """
    curves = [(_standard(a), _standard(b)) for a, b in unit]
    r = {lag: _correlation(curves, lag) for lag in sorted(range(-MAX_LAG, MAX_LAG + 1), key=abs)}
    known = {lag: value for lag, value in r.items() if value is not None}
    if 0 not in known:
        return None
    peak = max(known, key=known.__getitem__)  # of several equal ones the smallest
    z = known[peak] / unrelated_spread(curves)
    return Lag(peak if z >= MIN_Z else None, peak, known[peak], z)


def unrelated_spread(unit: Sequence[Curve]) -> float:
    """The standard deviation of the correlation between unrelated signals with these autocorrelations."""
    taper = 1 - np.arange(1, _MEMORY + 1) / (_MEMORY + 1)
    a, b = (_autocorrelation([curve[side] for curve in unit]) for side in (0, 1))
    n = sum(int(np.isfinite(predicted + opening).sum()) for predicted, opening in unit)
    # Signals that swing could make the sum small; never less than for white ones.
    return float(np.sqrt(max(1 + 2 * (taper * a * b).sum(), 1.0) / n))


def _autocorrelation(signals: Sequence[np.ndarray]) -> np.ndarray:
    """(50,) at shifts 1 to 50, over all signals; 0 where none is as long."""
    filled = [np.nan_to_num(s - np.nanmean(s)) for s in signals]
    power = sum(float((s * s).sum()) for s in filled)
    shifts = range(1, _MEMORY + 1)
    return np.array([sum(float((s[k:] * s[:-k]).sum()) for s in filled) for k in shifts]) / max(power, _STILL)


def _correlation(curves: Sequence[Curve], lag: int) -> float | None:
    """Pearson's r of all (predicted[t], opening[t + lag]) known on both sides; None where there is none."""
    ahead, behind = max(lag, 0), max(-lag, 0)
    a = np.concatenate([p[behind : max(len(p) - ahead, behind)] for p, _ in curves])
    b = np.concatenate([o[ahead : max(len(o) - behind, ahead)] for _, o in curves])
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < MIN_PAIRS or a[known].std() < _STILL or b[known].std() < _STILL:
        return None
    return float(np.corrcoef(a[known], b[known])[0, 1])


def _standard(curve: np.ndarray) -> np.ndarray:
    """Mean 0, sd 1 over the known frames; a still curve stays at 0."""
    known = curve[np.isfinite(curve)].astype(np.float64)
    if not len(known):
        return np.full(len(curve), np.nan)
    spread = known.std()
    return (curve - known.mean()) / (spread if spread > _STILL else 1.0)


def _fit(rows: np.ndarray, wanted: np.ndarray, strength: float) -> Ridge:
    known = np.isfinite(wanted)
    if known.sum() < 2:
        raise ValueError(f"{int(known.sum())} frames with a known opening to fit a ridge to: give longer clips")
    rows, wanted = rows[known], wanted[known]
    mean, scale = rows.mean(0), np.maximum(rows.std(0), _STILL)
    scaled = (rows - mean) / scale
    matrix = scaled.T @ scaled + strength * len(rows) * np.eye(rows.shape[1])
    return Ridge(mean, scale, np.linalg.solve(matrix, scaled.T @ wanted))


def _predict(ridge: Ridge, rows: np.ndarray) -> np.ndarray:
    return (rows - ridge.mean) / ridge.scale @ ridge.weights
