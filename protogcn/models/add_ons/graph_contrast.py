"""Graph contrast: the learned graph of a clip against those of all training clips.

Source: SkeletonGCL (Huang et al., ICLR 2023), as its released code computes it. Shapes: N clips of
a step, S clips of the training set, E numbers of a graph, H features, P positives, Q negatives.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.batches.parallel import gathered_rows, summed
from protogcn.models.add_on import AddOn, StepView


class GraphContrast(AddOn):
    """The loss, and a memory with one projected graph for each training clip.

    A clip's graph is drawn to the P stored ones of its class that are least like it, and away from
    the Q of other classes that are most like it, and from Q random ones. A clip whose class has
    fewer than P stored graphs takes no part yet.
    """

    term = "graph_contrast"
    reads_relations = True
    memory: Tensor
    stored: Tensor
    labels: Tensor

    def __init__(
        self,
        relations: int,
        labels: Tensor,
        num_classes: int,
        *,
        positives: int = 128,
        negatives: int = 512,
        temperature: float = 0.8,
        weight: float = 1.0,
        trained: bool = False,
        features: int = 256,
    ):
        """Draw the projection from torch's global generator.

        Args:
            relations: E.
            labels: (S,) of all training clips, in the order of their numbers.
            num_classes: of the network.
            positives: P.
            negatives: Q.
            temperature: that similarities are divided by.
            weight: of the loss.
            trained: whether the projection learns; in the released code it keeps its random start.
            features: H.
        """
        super().__init__()
        self.weight = weight
        self.positives, self.negatives = positives, negatives
        self.temperature = temperature
        self.project = nn.Linear(relations, features)
        nn.init.normal_(self.project.weight, std=(2 / num_classes) ** 0.5)
        nn.init.zeros_(self.project.bias)
        self.project.requires_grad_(trained)
        self.register_buffer("memory", torch.zeros(len(labels), features))
        self.register_buffer("stored", torch.zeros(len(labels), dtype=torch.bool))
        self.register_buffer("labels", labels.clone(), persistent=False)

    def forward(self, step: StepView) -> Tensor:
        """Store the step's graphs, then compare them; a scalar, 0 if no clip takes part.

        The step has relations (N, E) and the clips' numbers among the training clips.
        """
        with torch.autocast(step.logits.device.type, enabled=False):
            projected = F.normalize(self.project(step.relations), dim=1, eps=0)  # (N, H)
            self._store(projected.detach(), step)
            # The random negatives of a clip are those with the largest keys.
            keys = step.uniform(len(self.memory))
            losses, takes_part = self._losses(projected @ self.memory.t(), step.labels, keys)
            count = summed(takes_part.sum()).clamp(min=1)
            return torch.where(takes_part, losses, 0).sum() / count

    def _store(self, projected: Tensor, step: StepView) -> None:
        """Overwrite the entries of this step's clips, those of all processes."""
        numbers = gathered_rows(step.bodies.numbers)
        self.memory[numbers] = gathered_rows(projected)
        self.stored[numbers] = True

    def _losses(self, similar: Tensor, labels: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        """Return (N,) each clip's mean loss, and whether it takes part."""
        same = (labels.unsqueeze(1) == self.labels) & self.stored  # (N, S)
        other = (labels.unsqueeze(1) != self.labels) & self.stored
        enough = (same.sum(1) >= self.positives) & (other.sum(1) >= self.negatives)
        num_positives = min(self.positives, similar.shape[1])
        num_negatives = min(self.negatives, similar.shape[1])
        values = similar.detach()
        positives = values.masked_fill(~same, torch.inf).topk(num_positives, largest=False)[1]
        hard = values.masked_fill(~other, -torch.inf).topk(num_negatives)[1]
        random = keys.masked_fill(~other, -torch.inf).topk(num_negatives)[1]
        drawn = similar.gather(1, positives) / self.temperature  # (N, P)
        losses = []
        for indices in (hard, random):
            others = similar.gather(1, indices) / self.temperature  # (N, Q)
            # A row of logits is one positive and all negatives, the same ones for each positive.
            losses.append(F.softplus(others.logsumexp(1, keepdim=True) - drawn).mean(1))
        return (losses[0] + losses[1]) / 2, enough
