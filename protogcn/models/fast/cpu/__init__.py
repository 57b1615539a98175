"""Evaluation of ProtoGCN on the CPU: norms folded into the maps beside them, body by body."""
