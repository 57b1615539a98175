"""Motion topology enhancement with the Triton kernel: the spatial part of a block on a GPU."""

import torch
from torch import Tensor

from protogcn.models.fast.gpu.mix import MixInputs, mix
from protogcn.models.norms import map_and_affine
from protogcn.models.topology import MotionRelations, MotionTopology


class KernelTopology(MotionTopology):
    """A ``MotionTopology`` that mixes joints in one pass and never stores a body's topology."""

    def mix(
        self, features: Tensor, compared: MotionRelations, multiplicity: Tensor | None
    ) -> Tensor:
        """Map, norm and activate (B, T, V, I), and mix its joints: (B, C, T, V)."""
        expanded, scale, shift = map_and_affine(
            self.expand, self.expand_norm, features, multiplicity
        )
        inputs = MixInputs(
            x=expanded,
            scale=scale,
            shift=shift,
            static=self.topology + compared.intra,
            source=compared.source.flatten(1, 2),
            target=compared.target.flatten(1, 2),
            alpha=self.alpha[0],
        )
        tf32 = torch.backends.cuda.matmul.allow_tf32
        return mix(inputs, precision="tf32" if tf32 else "ieee")
