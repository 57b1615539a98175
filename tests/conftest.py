"""The order of the tests."""


def pytest_collection_modifyitems(items):
    """Start with the files that take longest: each goes to one process, as a whole."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, "workflow" not in item.path.parts))
