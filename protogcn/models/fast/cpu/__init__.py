"""Training passes of ProtoGCN for the CPU: one body at a time, written out with their gradients.

Elementwise work costs as much as the matrix products once a batch's features no longer fit in the
cache, so that each pass takes one body through everything between two batch norms while its
features are in the cache. Only what goes into a norm is kept for the backward pass; activations and
topologies are computed again. The modules of ``protogcn.models`` say what is computed; tests hold
both equal.
"""
