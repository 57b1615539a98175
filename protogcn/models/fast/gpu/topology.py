"""Motion topology enhancement with the Triton kernel: the spatial part of a block on a GPU."""

import torch
from torch import Tensor

from protogcn.models.fast.gpu.mix import mix
from protogcn.models.norms import norm_as_affine
from protogcn.models.topology import MotionRelations, MotionTopology


class KernelTopology(MotionTopology):
    """A ``MotionTopology`` that mixes joints in one pass and never stores a body's topology."""

    def mix(
        self, expanded: Tensor, compared: MotionRelations, multiplicity: Tensor | None
    ) -> Tensor:
        """Norm, activate and mix the joints of (B, C, T, V)."""
        return mix(
            expanded,
            *norm_as_affine(self.expand_norm, expanded, multiplicity),
            self.topology + compared.intra,
            compared.source.flatten(1, 2),
            compared.target.flatten(1, 2),
            self.alpha[0],
            precision="tf32" if torch.backends.cuda.matmul.allow_tf32 else "ieee",
        )
