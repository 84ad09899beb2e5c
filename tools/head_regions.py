"""Named vertex regions of the free head model, from MakeHuman's groups, painted regions and bones."""

import numpy as np
from makehuman_source import Source


def regions(source: Source, rest: np.ndarray, share: np.ndarray) -> dict[str, np.ndarray]:
    """Name -> (V,) bool. `rest` (V,3) m with the origin between the eyes at the jaw joint's depth; `share` (V,)."""
    size = len(rest)

    def group(*names: str) -> np.ndarray:
        mask = np.zeros(size, bool)
        mask[np.concatenate([source.group(name) for name in names])] = True
        return mask

    eyeballs = group("helper-l-eye", "helper-r-eye")
    teeth, tongue = group("helper-upper-teeth", "helper-lower-teeth"), group("helper-tongue")
    body = group("body")
    lips = source.painted("lips") > 0.5
    cavity = (source.painted("inside-mouth") > 0.5) & ~lips
    ears = source.painted("ears") > 0.3
    lids = source.painted("eyelids") > 0.3
    inside = eyeballs | teeth | tongue | cavity
    # The hairline runs from the forehead past the temples, behind the ears, to the nape.
    _, y, z = rest.T
    face = (source.painted("face") > 0.5) & (y < 0.052) | lips | lids
    hairline = np.maximum(0.055 - 0.55 * np.maximum(0.075 - z, 0), -0.075)
    head = body & (share > 0.999) | inside | face | ears
    scalp = body & ~face & ~ears & ~cavity & (y > hairline) & head
    neck = body & ~head & (share > 0.1)
    return {
        "face": face,
        "mouth": lips | cavity | teeth | tongue,
        "eyes": eyeballs | lids,
        "ears": ears,
        "scalp": scalp,
        "head": head,
        "neck": neck,
        "torso": body & ~head & ~neck,
        "eyeballs": eyeballs,
        "eyelids": lids,
        "teeth": teeth,
        "tongue": tongue,
        "lips": lips,
    }
