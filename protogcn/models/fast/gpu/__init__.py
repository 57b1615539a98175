"""Features and topology -> mixed joints, by Triton kernels that store no topology.

In reading order: ``topology`` (the part of a network), ``mix`` (what it calls), ``launch`` (grids
and memory), ``triton_kernels``.
"""
