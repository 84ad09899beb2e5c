"""The demo language's phonemes: how each sounds and what the mouth does for it.

Formants are round figures in the range that Peterson and Barney (1952) give for men's vowels, and the usual loci for
consonants; symbols are ARPABET's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["vowel", "stop", "fricative", "nasal", "approximant", "aspirate", "silence"]


@dataclass(frozen=True)
class Noise:
    """Turbulence at a constriction: one spectral hump."""

    centre: float  # Hz
    width: float  # Hz, half of the hump's breadth at 1/e
    level: float  # relative to a vowel's amplitude


@dataclass(frozen=True)
class Viseme:
    """Articulator targets in [0,1], and how strongly each is defended against the neighbours (dominance)."""

    jaw: float  # 1 = as open as an open vowel
    lips: float  # 0 sealed, 1 as far apart as the jaw lets them
    rounding: float
    spreading: float
    tuck: float  # lower lip behind the upper teeth
    strength: tuple[float, float, float, float, float]  # dominance of the five, in the order above


@dataclass(frozen=True)
class Phoneme:
    symbol: str
    kind: Kind
    voicing: float  # amplitude of the voice, 1 = vowel
    formants: tuple[float, float, float] | None  # Hz; None: whatever the neighbours do
    noise: Noise | None
    viseme: Viseme
    frequency: float  # relative, among consonants or among vowels

    @property
    def bilabial(self) -> bool:
        return self.viseme.lips == 0.0


def _vowel(
    symbol: str, formants: tuple[float, float, float], mouth: tuple[float, float, float, float], frequency: float
) -> Phoneme:
    jaw, lips, rounding, spreading = mouth
    strong_lips = 1.0 + 1.5 * rounding  # rounded vowels purse through their consonants
    viseme = Viseme(jaw, lips, rounding, spreading, 0.0, (1.0, 1.0, strong_lips, 1.0, 1.0))
    return Phoneme(symbol, "vowel", 1.0, formants, None, viseme, frequency)


_SHUT = Viseme(0.06, 0.0, 0.1, 0.0, 0.0, (2.0, 6.0, 0.6, 0.6, 2.0))  # a closure at the lips cannot be given up
_BITTEN = Viseme(0.12, 0.3, 0.0, 0.1, 1.0, (2.0, 3.0, 0.8, 0.8, 6.0))
_TIP = Viseme(0.18, 0.6, 0.0, 0.2, 0.0, (1.2, 0.4, 0.2, 0.2, 1.0))  # tongue tip: the jaw rises, the lips are free
_BACK = Viseme(0.35, 0.75, 0.0, 0.1, 0.0, (0.6, 0.3, 0.2, 0.2, 1.0))
_HISS = Viseme(0.06, 0.7, 0.0, 0.4, 0.0, (2.5, 1.0, 0.8, 0.8, 1.0))  # the teeth meet
_HUSH = Viseme(0.10, 0.7, 0.7, 0.0, 0.0, (2.5, 1.0, 1.2, 0.8, 1.0))
_LATERAL = Viseme(0.35, 0.8, 0.0, 0.1, 0.0, (1.2, 0.4, 0.2, 0.2, 1.0))
_RHOTIC = Viseme(0.28, 0.7, 0.4, 0.0, 0.0, (1.2, 1.0, 1.2, 1.0, 1.0))
_PURSED = Viseme(0.18, 0.4, 1.0, 0.0, 0.0, (1.2, 1.5, 2.0, 1.0, 1.0))
_FREE = Viseme(0.50, 0.9, 0.0, 0.0, 0.0, (0.05, 0.05, 0.05, 0.05, 0.2))  # takes the neighbours' shape
_REST = Viseme(0.03, 0.15, 0.0, 0.0, 0.0, (2.0, 2.0, 1.0, 1.0, 1.0))

SILENCE = Phoneme("SIL", "silence", 0.0, None, None, _REST, 0.0)

VOWELS: tuple[Phoneme, ...] = (
    _vowel("IY", (280, 2250, 2950), (0.22, 0.85, 0.0, 0.8), 1.0),
    _vowel("IH", (400, 1950, 2550), (0.36, 0.9, 0.0, 0.45), 1.0),
    _vowel("EH", (540, 1820, 2500), (0.60, 0.95, 0.0, 0.4), 1.0),
    _vowel("AE", (670, 1700, 2420), (0.88, 1.0, 0.0, 0.5), 0.8),
    _vowel("AH", (630, 1200, 2400), (0.65, 0.95, 0.0, 0.1), 1.2),
    _vowel("AA", (740, 1100, 2450), (1.00, 1.0, 0.0, 0.0), 1.2),
    _vowel("AO", (570, 850, 2410), (0.75, 0.9, 0.55, 0.0), 0.8),
    _vowel("UH", (440, 1030, 2250), (0.38, 0.75, 0.5, 0.0), 0.5),
    _vowel("UW", (310, 880, 2250), (0.22, 0.55, 1.0, 0.0), 0.9),
)

CONSONANTS: tuple[Phoneme, ...] = (
    Phoneme("P", "stop", 0.0, (250, 900, 2150), Noise(900, 900, 0.25), _SHUT, 1.0),
    Phoneme("B", "stop", 0.18, (220, 900, 2150), Noise(800, 800, 0.15), _SHUT, 1.2),
    Phoneme("M", "nasal", 0.45, (280, 1000, 2150), None, _SHUT, 1.5),
    Phoneme("F", "fricative", 0.0, (300, 1100, 2200), Noise(6800, 2600, 0.1), _BITTEN, 0.8),
    Phoneme("V", "fricative", 0.35, (280, 1100, 2200), Noise(6500, 2600, 0.05), _BITTEN, 0.6),
    Phoneme("T", "stop", 0.0, (280, 1750, 2650), Noise(4200, 1600, 0.4), _TIP, 1.2),
    Phoneme("D", "stop", 0.18, (260, 1700, 2650), Noise(3800, 1600, 0.25), _TIP, 1.2),
    Phoneme("N", "nasal", 0.45, (290, 1550, 2600), None, _TIP, 1.5),
    Phoneme("S", "fricative", 0.0, (320, 1700, 2600), Noise(6200, 1400, 0.28), _HISS, 1.2),
    Phoneme("Z", "fricative", 0.3, (300, 1700, 2600), Noise(6000, 1400, 0.16), _HISS, 0.6),
    Phoneme("SH", "fricative", 0.0, (320, 1850, 2450), Noise(3400, 1300, 0.28), _HUSH, 0.6),
    Phoneme("K", "stop", 0.0, (300, 1900, 2500), Noise(2300, 900, 0.4), _BACK, 1.0),
    Phoneme("G", "stop", 0.18, (270, 1850, 2450), Noise(2100, 900, 0.25), _BACK, 0.8),
    Phoneme("L", "approximant", 0.6, (360, 1150, 2700), None, _LATERAL, 1.2),
    Phoneme("R", "approximant", 0.6, (340, 1150, 1600), None, _RHOTIC, 1.0),
    Phoneme("W", "approximant", 0.55, (300, 700, 2200), None, _PURSED, 0.9),
    Phoneme("HH", "aspirate", 0.0, None, None, _FREE, 0.5),
)

PHONEMES: dict[str, Phoneme] = {p.symbol: p for p in (*VOWELS, *CONSONANTS, SILENCE)}
