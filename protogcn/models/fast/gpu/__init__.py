"""Features and topology -> mixed joints, by one Triton kernel that stores no topology.

In reading order: ``mix`` (what a network calls), ``launch`` (grids and memory),
``triton_kernels``.
"""
