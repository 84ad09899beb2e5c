"""The metric families of image comparison, and how a family is built by name."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from erlnet.assets import asset_path
from erlnet.errors import AssetMissing
from erlnet.interfaces import Progress
from erlnet.metrics.cpbd_family import CpbdFamily
from erlnet.metrics.detector import frame_digest
from erlnet.metrics.identity import IdentityFamily
from erlnet.metrics.image import psnr, squared_error_map
from erlnet.metrics.landmark_family import LandmarkFamily
from erlnet.metrics.lpips import Lpips, frame_distance, load_lpips, spatial_map
from erlnet.metrics.neck.family import NeckFamily
from erlnet.metrics.pairs import ClipPair, Family, Row, Unavailable, batches, read_both
from erlnet.metrics.protocol import IMAGE_REGIONS, SSIM_CROP
from erlnet.metrics.regions import region_masks, region_means
from erlnet.metrics.ssim import ssim_map
from erlnet.metrics.sync_family import SyncNetFamily
from erlnet.metrics.sync_family_ridge import SyncRidgeFamily
from erlnet.metrics.temporal_family import JitterFamily, TemporalFamily


class ImageFamily(ABC):
    """Scores frame by frame and region by region, in batches of bounded size."""

    name: str

    def __init__(self, device: str = "cpu"):
        self.device = torch.device(device)

    @abstractmethod
    def _batch(
        self, reference: UInt8[Tensor, "N 3 H W"], rendered: UInt8[Tensor, "N 3 H W"], masks: Bool[Tensor, "N R H W"]
    ) -> Float[Tensor, "N R"]:
        """One value a frame and region of IMAGE_REGIONS, NaN where there is none."""

    def score(self, pairs: list[ClipPair], progress: Progress | None = None) -> list[Row]:
        rows: list[Row] = []
        done, total = 0, sum(len(pair) for pair in pairs)
        for pair in pairs:
            for start, stop in batches(pair):
                reference, rendered = (
                    torch.from_numpy(np.ascontiguousarray(side)).to(self.device)
                    for side in read_both(pair, start, stop)
                )
                masks = region_masks(pair.region_bits(start, stop), pair.landmarks[start:stop]).to(self.device)
                values = self._batch(reference, rendered, masks).cpu().double().numpy()
                rows += [
                    Row(pair.name, start + t, self.name, region, None if np.isnan(value) else float(value))
                    for t, frame in enumerate(values)
                    for region, value in zip(IMAGE_REGIONS, frame, strict=True)
                ]
                done += stop - start
                if progress is not None:
                    progress.update(done, total)
        return rows


class SsimFamily(ImageFamily):
    name = "ssim"

    def _batch(self, reference: Tensor, rendered: Tensor, masks: Tensor) -> Tensor:
        inner = slice(SSIM_CROP, -SSIM_CROP)
        return region_means(ssim_map(reference, rendered, data_range=255.0), masks[:, :, inner, inner])


class PsnrFamily(ImageFamily):
    name = "psnr"

    def _batch(self, reference: Tensor, rendered: Tensor, masks: Tensor) -> Tensor:
        return psnr(region_means(squared_error_map(reference, rendered), masks), data_range=255.0)


class LpipsFamily(ImageFamily):
    """Frames that occur twice in a batch (a still floor, the truth against itself) pass the network once."""

    name = "lpips"

    def __init__(self, device: str = "cpu"):
        super().__init__(device)
        self._network: Lpips | None = None

    def _batch(self, reference: Tensor, rendered: Tensor, masks: Tensor) -> Tensor:
        if self._network is None:
            self._network = load_judge().to(self.device)
        frames = torch.cat([reference, rendered])
        places: dict[bytes, int] = {}
        index = [places.setdefault(frame_digest(frame), len(places)) for frame in frames.cpu().numpy()]
        first = [index.index(i) for i in range(len(places))]
        layers = self._network.features(frames[first], data_range=255.0)
        n = len(reference)
        maps = self._network.layer_maps([x[index[:n]] for x in layers], [x[index[n:]] for x in layers])
        values = region_means(spatial_map(maps, *reference.shape[-2:]), masks)
        values[:, IMAGE_REGIONS.index("frame")] = frame_distance(maps)
        return values


def load_judge() -> Lpips:
    """LPIPS with the weights of the asset; Unavailable without them."""
    try:
        return load_lpips(asset_path("lpips", "LPIPS"))
    except AssetMissing as missing:
        raise Unavailable(f"the weights of LPIPS are missing: {missing}", missing.remedy) from None


def build_family(name: str, detections: Path | None = None, device: str = "cpu") -> Family:
    """The family of that name (erlnet.metrics.cards.FAMILIES); KeyError for another.

    `detections` is a file in which landmark detections are kept between processes, face embeddings in one beside it;
    families without them ignore it.
    """
    # They are made from the classes of this file.
    from erlnet.metrics.uniform_ssim_family import UniformSsimFamily

    embeddings = detections and detections.with_name("embeddings.npz")
    made: dict[str, Callable[[], Family]] = {
        "ssim": lambda: SsimFamily(device), "psnr": lambda: PsnrFamily(device), "lpips": lambda: LpipsFamily(device),
        "landmarks": lambda: LandmarkFamily(detections), "neck": NeckFamily, "cpbd": CpbdFamily,
        "ssim_uniform7": lambda: UniformSsimFamily(device), "jitter": lambda: JitterFamily(detections),
        "temporal": TemporalFamily, "identity": lambda: IdentityFamily(embeddings),
        "sync": lambda: SyncNetFamily(device=device), "sync_ridge": lambda: SyncRidgeFamily(detections),
    }  # fmt: skip
    return made[name]()
