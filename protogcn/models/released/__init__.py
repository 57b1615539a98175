"""A state dict of the authors' code -> one of ours.

In reading order: ``mismatch`` (what does not fit), ``protogcn``, ``pyskl`` (its baselines).
"""
