"""Settings and a joint layout -> one of the networks that ProtoGCN is compared with.

In reading order: ``graphs`` (joints as a graph), ``graph_network`` (what they share), ``stgcn``,
``stgcnpp``, ``ctrgcn``, ``infogcn``; ``hierarchies`` (groups of joints), ``hdgcn``; ``mean_pose``
(its topology), ``blockgcn``.
"""
