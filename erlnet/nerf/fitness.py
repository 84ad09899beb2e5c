"""What a renderer cannot be trained on is refused before it is tried."""

from erlnet.errors import UserError
from erlnet.nerf.footage import RendererData, masks_of, sample_frames
from erlnet.nerf.losses import SSIM_WINDOW
from erlnet.nerf.regions import bit
from erlnet.nerf.settings import RendererSettings


def check_fit(data: RendererData, settings: RendererSettings, whose: str = "the training clips") -> None:
    """UserError where sizes do not go together, or no frame shows what a branch is there for.

    One frame is enough to train on: the renderer then knows one pose and one face.
    """
    height, width = data.frames.shape[2:]
    factor, window = settings.factor, settings.window
    if height % factor or width % factor:
        raise UserError(
            f"{whose}: frames of {width}x{height} px cannot be divided by renderer.factor={factor}; choose another"
        )
    if window > min(height, width) // factor:
        raise UserError(
            f"{whose}: renderer.window={window} is larger than the {width // factor}x{height // factor} feature px "
            f"of a frame of {width}x{height} px; set renderer.window to at most {min(height, width) // factor}"
        )
    if window * factor < SSIM_WINDOW:
        raise UserError(
            f"renderer.window={window} at renderer.factor={factor} is {window * factor} px wide and the structure loss "
            f"needs {SSIM_WINDOW}; set renderer.window to at least {-(-SSIM_WINDOW // factor)}"
        )
    if not data.valid.any():
        raise UserError(
            f"{whose}: the tracker found a face in none of {len(data.valid)} frames, so there is nothing to train on; "
            "use a video that shows one"
        )
    looked = sample_frames(data)
    regions = data.regions[looked]
    for part, masks in (("head", bit(regions, "head")), ("torso", masks_of(regions)[1])):
        if not masks.any():
            raise UserError(
                f"{whose}: no frame shows the {part} ({len(looked)} looked at), so its branch has nothing to draw; "
                "prepare the video with a wider crop"
            )
