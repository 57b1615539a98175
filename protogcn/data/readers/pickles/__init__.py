"""Pickles and checkpoints of unknown origin -> plain data and arrays; nothing in them is run."""
