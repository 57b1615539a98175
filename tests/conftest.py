"""The order of the tests."""


def pytest_collection_modifyitems(items):
    """Start with the whole pipelines: nothing but short tests is left when one process is done."""
    items.sort(key=lambda item: (item.get_closest_marker("xdist_group") is None, _place(item)))


def _place(item):
    return ("workflow" not in item.path.parts, "benchmarks" not in item.path.parts)
