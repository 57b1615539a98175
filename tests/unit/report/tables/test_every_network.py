"""The repository's own tables of several networks."""

import pytest

from protogcn.config.plan import expand
from protogcn.config.tables import common_recipe, resolve_tables
from tests.made.config import repository_config


@pytest.mark.parametrize("name", ["same_recipe", "demo_same_recipe"])
def test_every_network_has_one_recipe(name):
    config = repository_config()
    plan = expand(config)
    table = resolve_tables(config, plan)[name]
    assert len({model for _, model, _ in table.runs}) >= 2
    assert common_recipe(table, plan)["preparation"] == "centred"


def test_same_recipe_has_every_network_there_is():
    config = repository_config()
    plan = expand(config)
    table = resolve_tables(config, plan)["same_recipe"]
    networks = {plan.run(*names).network["network"] for names in table.runs}
    there_are = {entry["network"] for entry in config["models"].values()}
    assert networks == there_are - {"gap"}  # it needs a file of texts
