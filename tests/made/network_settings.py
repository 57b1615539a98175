"""Settings of each network beside its size, as small as they can be."""

OWN = {
    "protogcn": {"subsets": 8, "prototypes": 10, "contrast_weight": 0.2},
    "ctrgcn": {"form": "pyskl"},
    "infogcn": {"k": 1, "noise": 0.5},
    "hdgcn": {"root": 1},
    "blockgcn": {"encoding": "released"},
    "skeletongcl": {"positives": 1, "negatives": 2, "temperature": 0.8, "projection": "fixed"},
    "frhead": {"penalties": "all"},
    "gap": {"text_weight": 0.8},
}


def network_settings(network, **size):
    """Return a model's entry of the config; ``size`` is width, blocks and downsample, and more."""
    return {"network": network, **OWN.get(network, {}), **size}
