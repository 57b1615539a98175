"""Class-specific contrast: clips drawn to their class's memory and away from the others'.

Source: ProtoGCN (Liu et al., CVPR 2025), class-specific contrastive loss; update and temperature
are the released code's. Shapes: N clips, V joints, K classes, H features.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from protogcn.batches.parallel import gathered, is_parallel
from protogcn.models.add_on import AddOn, StepView
from protogcn.models.loss import mean_cross_entropy


class ClassContrast(AddOn):
    """Contrastive loss against a memory bank with one feature vector per class.

    The bank is a buffer: it is saved, loaded and moved with the network (the released code keeps it
    in a plain attribute and loses it on resume).
    """

    term = "contrast"
    reads_relations = True
    bank: Tensor

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        weight: float = 1.0,
        features: int = 256,
        momentum: float = 0.9,
        temperature: float = 0.125,
    ):
        super().__init__()
        self.weight = weight
        self.momentum = momentum
        self.temperature = temperature
        self.project = nn.Linear(in_features, features)
        self.register_buffer("bank", torch.randn(num_classes, features))

    def forward(self, step: StepView) -> Tensor:
        """The step's relations (N, V * V), logits, labels -> the mean loss, a scalar.

        Classes with a clip that is classified correctly move towards the mean of such clips;
        the gradient flows through that mean. The move is kept in training mode only.
        """
        with torch.autocast(step.logits.device.type, enabled=False):
            features = self.project(step.relations)  # (N, H)
            bank = self._moved_bank(features, step.logits, step.labels)  # (K, H)
            cosines = F.normalize(features, dim=1) @ F.normalize(bank, dim=1).t()  # (N, K)
            loss = mean_cross_entropy(cosines / self.temperature, step.labels, step.bodies.part)
        if self.training:
            self.bank.copy_(bank.detach())
        return loss

    def _moved_bank(self, features: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
        """(N, H), (N, K), (N,) -> the bank after this batch, (K, H)."""
        classes = torch.arange(len(self.bank), device=labels.device)
        hits = (logits.argmax(dim=1) == labels).unsqueeze(1)  # (N, 1)
        members = ((labels.unsqueeze(1) == classes) & hits).to(features.dtype)  # (N, K)
        counts = members.sum(dim=0).unsqueeze(1)  # (K, 1)
        sums = members.t() @ features  # (K, H)
        if is_parallel():  # the clips of the whole batch, in one message
            together = gathered(torch.cat([sums, counts], dim=1)).sum(0)
            sums, counts = together.split([sums.shape[1], 1], dim=1)
        means = sums / counts.clamp(min=1)  # (K, H)
        moved = torch.lerp(means, self.bank, self.momentum)
        return torch.where(counts > 0, moved, self.bank)
