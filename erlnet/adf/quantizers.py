"""Continuous latents -> codes, through vector-quantize-pytorch."""

from jaxtyping import Float, Int64
from torch import Tensor, nn
from vector_quantize_pytorch import VectorQuantize


class EmaQuantizer(nn.Module):
    """A codebook of `codes` vectors that starts from k-means of the first batch and follows by moving averages."""

    def __init__(self, width: int, codes: int, decay: float, commitment: float, restart_below: float):
        super().__init__()
        self.codebook_size = codes
        self.quantizer = VectorQuantize(
            dim=width,
            codebook_size=codes,
            decay=decay,
            commitment_weight=commitment,
            kmeans_init=True,
            kmeans_iters=10,
            threshold_ema_dead_code=restart_below,
            rotation_trick=False,
            sync_codebook=False,
        )

    def forward(
        self, latents: Float[Tensor, "B T C"]
    ) -> tuple[Float[Tensor, "B T C"], Int64[Tensor, "B T"], Float[Tensor, ""]]:
        """(quantised, straight-through gradient; indices; commitment loss). Moves the codebook while training."""
        quantised, indices, loss = self.quantizer(latents)
        return quantised, indices, loss.sum()

    def decode_indices(self, indices: Int64[Tensor, "B T"]) -> Float[Tensor, "B T C"]:
        return self.quantizer.get_output_from_indices(indices)
