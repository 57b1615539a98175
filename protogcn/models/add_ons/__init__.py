"""Further losses of a training step that published methods put on CTR-GCN.

In reading order: ``graph_contrast`` (SkeletonGCL), ``refinement_heads`` (FR-Head),
``text_alignment`` (GAP).
"""
