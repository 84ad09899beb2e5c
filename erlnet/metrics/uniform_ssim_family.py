"""SSIM with the 7 x 7 uniform window as a metric family, by region: a labelled extra for old tables."""

from torch import Tensor

from erlnet.metrics.families import ImageFamily
from erlnet.metrics.regions import region_means
from erlnet.metrics.ssim import UNIFORM, ssim_map


class UniformSsimFamily(ImageFamily):
    name = "ssim_uniform7"

    def _batch(self, reference: Tensor, rendered: Tensor, masks: Tensor) -> Tensor:
        inner = slice(UNIFORM.crop, -UNIFORM.crop)
        values = ssim_map(reference, rendered, data_range=255.0, window=UNIFORM)
        return region_means(values, masks[:, :, inner, inner])
