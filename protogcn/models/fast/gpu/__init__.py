"""Features and topology -> mixed joints, by one Triton kernel that stores no topology.

In reading order: ``topology`` (the part of a network), ``mix`` (what it calls), ``launch`` (grids
and memory), ``triton_kernels``.
"""
