"""What a comparison table cannot be called."""

import pytest

from protogcn.config.plan import expand
from protogcn.config.taken_names import check_table_names
from protogcn.errors import ConfigError
from tests.made.config import repository_config


@pytest.fixture(scope="module")
def plan():
    return expand(repository_config())


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("demo_xsub_6ens", "the table of 6ens on demo_xsub"),
        ("demo_xsub_6ens_confusion", "the confusion of 6ens on demo_xsub"),
        ("demo_xsub_6ens_weights", "the weights of 6ens on demo_xsub"),  # which are given
        ("demo_xsub_6ens_folds", "the folds of 6ens on demo_xsub"),  # of which it has none
        ("demo_xsub_protogcn_learning_curves", "the learning curves of protogcn on demo_xsub"),
        ("demo_xsub_j-7_protogcn_vs_stgcn", "the difference of j-7, protogcn, stgcn on demo_xsub"),
        ("report", "the page"),
    ],
)
def test_a_name_that_a_rule_has_is_refused_with_both(plan, name, other):
    with pytest.raises(ConfigError, match=rf"would be {other} and table {name}; rename one"):
        check_table_names([name], plan)


def test_other_names_are_free(plan):
    check_table_names(["table4", "demo_xsub", "6ens_demo_xsub", "a_pairs", "reports"], plan)
