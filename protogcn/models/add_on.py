"""A further loss of a training step, from what the network has computed; gone at evaluation.

Shapes: N clips, B bodies, T frames, V joints, C channels, K classes.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from protogcn.batches.bodies import Bodies
from protogcn.batches.parallel import of_whole_batch


class StepView(NamedTuple):
    """What a training step hands to an add-on.

    Attributes:
        bodies: the input, with the clips' numbers among the training clips.
        features: block number from 1 -> its output (B, T, V, C), of the blocks asked for.
        relations: (N, E) each clip's learned graph, flat; None if it was not asked for.
        logits: (N, K), at least float32.
        labels: (N,) of this process's part of the batch.
    """

    bodies: Bodies
    features: Mapping[int, Tensor]
    relations: Tensor | None
    logits: Tensor
    labels: Tensor

    def uniform(self, columns: int) -> Tensor:
        """Return (N, columns) random numbers in [0, 1) from torch's global generator.

        They are drawn for the whole batch, so that each clip has the same ones whichever process
        has it.
        """
        device = self.logits.device
        return of_whole_batch(
            self.bodies.part,
            len(self.labels),
            lambda rows: torch.rand(rows, columns, device=device),
        )


class AddOn(nn.Module):
    """One further loss. Its parameters are trained with the network's, its buffers are resumed.

    Attributes:
        term: the name of its loss in a history.
        weight: of its loss beside the cross entropy.
        blocks: the blocks whose features it reads, counted from 1.
        reads_relations: whether it reads the learned graph.
    """

    term: str
    weight: float
    blocks: tuple[int, ...] = ()
    reads_relations: bool = False

    @abstractmethod
    def forward(self, step: StepView) -> Tensor:
        """Return the loss before weighting; of a part of a batch its share of the whole one's."""
