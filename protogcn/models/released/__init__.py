"""A state dict of the authors' code -> one of ours.

In reading order: ``any_network`` (which of the others it is), ``mismatch`` (what does not fit),
``stacked`` (several tensors in one of ours), ``protogcn``, ``pyskl`` (its baselines), ``ctrgcn``
(in its authors' form), ``infogcn``, ``hdgcn``, ``blockgcn``.
"""
