"""SyncNet (Chung and Zisserman 2016), with the layers and names of the weights that are handed round.

`syncnet_v2.model` is a torch state dict: two stacks of convolutions, `netcnnaud` on MFCCs and `netcnnlip` on five
frames, and two heads, `netfcaud` and `netfclip`. It is not ours to ship: the user names a copy.
"""

import pickle
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlnet.errors import UserError

FRAMES = 5  # video frames in a window
COLUMNS = 20  # MFCC columns in a window: the same .2 s
SIZE = 224  # px, side of the face's picture


@dataclass(frozen=True)
class Widths:
    """Channels of each convolution and head; the defaults are the published network's."""

    sound: tuple[int, int, int, int, int, int] = (64, 192, 384, 256, 256, 512)
    lips: tuple[int, int, int, int, int, int] = (96, 256, 256, 256, 256, 512)
    hidden: int = 512
    out: int = 1024


PUBLISHED = Widths()


class SyncNet(nn.Module):
    """Sound and lips of .2 s each to a point; near where they belong together. Use it in `eval` mode."""

    def __init__(self, widths: Widths = PUBLISHED):
        super().__init__()
        a, b, c, d, e, f = widths.sound
        self.netcnnaud = nn.Sequential(  # (N,1,13,20)
            *_sound_block(1, a, 3, 1), nn.MaxPool2d(1, 1),
            *_sound_block(a, b, 3, 1), nn.MaxPool2d(3, (1, 2)),  # (N,b,11,9)
            *_sound_block(b, c, 3, 1), *_sound_block(c, d, 3, 1),
            *_sound_block(d, e, 3, 1), nn.MaxPool2d(3, 2),  # (N,e,5,4)
            *_sound_block(e, f, (5, 4), 0),  # (N,f,1,1)
        )  # fmt: skip
        self.netfcaud = _head(f, widths)
        a, b, c, d, e, f = widths.lips
        self.netcnnlip = nn.Sequential(  # (N,3,5,224,224)
            *_lip_block(3, a, (FRAMES, 7, 7), 2, 0), nn.MaxPool3d((1, 3, 3), (1, 2, 2)),  # (N,a,1,54,54)
            *_lip_block(a, b, (1, 5, 5), 2, 1), nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),  # (N,b,1,13,13)
            *_lip_block(b, c, (1, 3, 3), 1, 1), *_lip_block(c, d, (1, 3, 3), 1, 1),
            *_lip_block(d, e, (1, 3, 3), 1, 1), nn.MaxPool3d((1, 3, 3), (1, 2, 2)),  # (N,e,1,6,6)
            *_lip_block(e, f, (1, 6, 6), 1, 0),  # (N,f,1,1,1)
        )  # fmt: skip
        self.netfclip = _head(f, widths)

    def sound(self, windows: Float[Tensor, "N 13 20"]) -> Float[Tensor, "N D"]:
        """MFCCs as of erlnet.metrics.syncnet_sound."""
        return self.netfcaud(self.netcnnaud(windows[:, None]).flatten(1))

    def lips(self, windows: Float[Tensor, "N 3 5 224 224"]) -> Float[Tensor, "N D"]:
        """BGR, 0 to 255."""
        return self.netfclip(self.netcnnlip(windows).flatten(1))


def _sound_block(inside: int, out: int, kernel: int | tuple[int, int], padding: int) -> list[nn.Module]:
    return [nn.Conv2d(inside, out, kernel, padding=padding), nn.BatchNorm2d(out), nn.ReLU(inplace=True)]


def _lip_block(inside: int, out: int, kernel: tuple[int, int, int], stride: int, padding: int) -> list[nn.Module]:
    convolution = nn.Conv3d(inside, out, kernel, (1, stride, stride), (0, padding, padding))
    return [convolution, nn.BatchNorm3d(out), nn.ReLU(inplace=True)]


def _head(inside: int, widths: Widths) -> nn.Sequential:
    hidden = widths.hidden
    return nn.Sequential(
        nn.Linear(inside, hidden), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True), nn.Linear(hidden, widths.out)
    )


def load_syncnet(path: Path, widths: Widths = PUBLISHED) -> SyncNet:
    """The network with a user's weights, in `eval` mode.

    Reads tensors alone and runs nothing that a file may hold. UserError where there is no file, where it is no state
    dict, or where a name, a shape or a number is not as it should be. Counts of batches, which old files lack and
    nothing needs, may be absent.
    """
    what = f"SyncNet weights {path}"
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UserError(f"{what}: cannot be read ({error.strerror}); name the file syncnet_v2.model") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError):
        raise UserError(f"{what}: not a torch file of tensors; name the file syncnet_v2.model as distributed") from None
    if not isinstance(held, dict) or not all(isinstance(value, Tensor) for value in held.values()):
        raise UserError(f"{what}: holds no state dict; name the file syncnet_v2.model as distributed")
    network = SyncNet(widths)
    wanted = {name: value for name, value in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    held = {name: value for name, value in held.items() if not name.endswith("num_batches_tracked")}
    wrong = [f"lacks {name}" for name in wanted if name not in held]
    wrong += [f"has {name}, which SyncNet has not" for name in held if name not in wanted]
    wrong += [
        f"{name} is {tuple(held[name].shape)}, not {tuple(value.shape)}"
        for name, value in wanted.items()
        if name in held and held[name].shape != value.shape
    ]
    wrong += [f"{name} is not finite" for name, value in held.items() if not torch.isfinite(value).all()]
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise UserError(f"{what}: {wrong[0]}{more}; name the file syncnet_v2.model as distributed")
    network.load_state_dict(held, strict=False)
    return network.eval()
