"""A trained ProtoGCN -> its evaluation on the CPU, norms folded into the maps, body by body.

In reading order: ``folded``, ``temporal_parts``.
"""
