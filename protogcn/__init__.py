"""Multi-stream ensembles for skeleton action recognition, from raw files to the fused table."""

__version__ = "0.1.0"
