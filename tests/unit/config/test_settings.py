import dataclasses

import pytest

from protogcn.config.plan import expand
from protogcn.config.settings import NETWORKS, check_network, check_run
from protogcn.errors import ConfigError
from tests.made.config import changed, repository_config
from tests.made.nano import nano_run
from tests.made.network_settings import network_settings

SIZE = {"width": 24, "blocks": 4, "downsample": [3]}


def settings_of(network):
    return network_settings(network, **SIZE)


@pytest.mark.parametrize("network", NETWORKS)
def test_settings_that_fit_are_accepted(network):
    check_network("models.mine", settings_of(network))


@pytest.mark.parametrize(
    ("network", "changes", "sentence"),
    [
        ("stgcnpp", {"prototypes": 5}, r"m: network stgcnpp has no prototypes, expected width, blocks, downsample; an override meant for one model names it"),
        ("stgcn", {"subsets": 3, "contrast_weight": 0.1}, "m: network stgcn has no subsets and no contrast_weight"),
        ("protogcn", {"width": 100}, r"m\.width: found 100, expected a multiple of 24\."),
        ("protogcn", {"subsets": 7}, r"m\.subsets: found 7, expected a divisor of the width 24\."),
        ("stgcnpp", {"width": 5}, r"m\.width: found 5, expected at least 6\."),
        ("ctrgcn", {"width": 3}, r"m\.width: found 3, expected at least 4\."),
        ("infogcn", {"width": 7}, r"m\.width: found 7, expected at least 8\."),
        ("hdgcn", {"width": 3}, r"m\.width: found 3, expected at least 4\."),
        ("blockgcn", {"width": 12}, r"m\.width: found 12, expected a multiple of 8\."),
        ("hdgcn", {"k": 8}, "m: network hdgcn has no k, expected width, blocks, downsample, root;"),
        ("frhead", {"form": "pyskl"}, "m: network frhead has no form"),
        ("ctrgcn", {"downsample": [3, 5]}, r"m\.downsample: names block 5, but there are 4 blocks\."),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_sentence(network, changes, sentence):
    with pytest.raises(ConfigError, match=f"^{sentence}"):
        check_network("m", settings_of(network) | changes)


def test_root_of_a_trunk_that_has_fewer_is_one_sentence():
    """Before a job starts: the nano layout's pairs tell no trunk."""
    network = settings_of("hdgcn") | {"root": 2}
    sentence = r"run nano_xsub/protogcn/j: model\.root: found 2, but the trunk of .*toy5 has 1"
    with pytest.raises(ConfigError, match=sentence + r" to start from \(root\); expected 1\."):
        check_run(dataclasses.replace(nano_run(), network=network), {})


def test_what_is_missing_is_named():
    settings = settings_of("protogcn")
    del settings["prototypes"], settings["width"]
    with pytest.raises(
        ConfigError, match="m: lacks width, prototypes, which network protogcn needs"
    ):
        check_network("m", settings)


def test_every_model_of_a_config_is_checked_whether_it_is_used_or_not():
    with pytest.raises(ConfigError, match=r"models\.stgcn\.width|models\.stgcn: lacks width"):
        expand(changed("models.stgcn", {"network": "stgcn", "blocks": 2, "downsample": []}))
    with pytest.raises(ConfigError, match=r"models\.protogcn\.width: found 100, expected a mult"):
        expand(changed("models.protogcn.width", 100))


def test_override_with_another_networks_setting_is_refused_where_it_applies():
    config = repository_config()
    config["overrides"]["mine"] = {
        "where": {"dataset": "demo"},
        "set": {"model": {"prototypes": 5}},
    }
    plan = expand(config)  # no ensemble has the run
    assert plan.run("demo_xsub", "protogcn", "b").network["prototypes"] == 5
    sentence = "run demo_xsub/stgcnpp/b: model: network stgcnpp has no prototypes"
    with pytest.raises(ConfigError, match=sentence):
        plan.run("demo_xsub", "stgcnpp", "b")
