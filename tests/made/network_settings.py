"""Settings of each network beside its size, as small as they can be."""

OWN = {
    "protogcn": {"subsets": 8, "prototypes": 10, "contrast_weight": 0.2},
    "ctrgcn": {"form": "pyskl"},
    "infogcn": {"k": 1, "noise": 0.5},
    "hdgcn": {"root": 1},
    "blockgcn": {"encoding": "released"},
}


def network_settings(network, **size):
    """Return a model's entry of the config; ``size`` is width, blocks and downsample, and more."""
    return {"network": network, **OWN.get(network, {}), **size}
