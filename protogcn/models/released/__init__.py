"""A state dict of the authors' code -> one of ours.

In reading order: ``mismatch`` (what does not fit), ``protogcn``, ``stacked`` (several tensors
in one of ours), ``pyskl`` (its baselines), ``ctrgcn`` (in its authors' form).
"""
