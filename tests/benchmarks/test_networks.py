import re

from benchmarks.networks import CONFIG, make_network
from protogcn.config.settings import NETWORKS


def test_documented_sizes_are_those_of_the_networks_of_the_config():
    text = (CONFIG.parent / "README.md").read_text()
    for name in NETWORKS:
        found = sum(parameter.numel() for parameter in make_network(name).parameters())
        row = re.search(rf"^\| `{name}` \|.*$", text, re.MULTILINE).group()
        assert f"{found:,}" in row
