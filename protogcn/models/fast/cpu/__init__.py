"""A trained ProtoGCN -> its evaluation on the CPU, norms folded into the maps.

In reading order: ``folded``, ``temporal_parts``.
"""
