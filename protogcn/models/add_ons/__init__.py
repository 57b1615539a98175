"""What a training step has computed -> a further loss, as published methods add it to CTR-GCN.

In reading order: ``graph_contrast`` (SkeletonGCL), ``refinement_heads`` (FR-Head),
``text_alignment`` (GAP).
"""
