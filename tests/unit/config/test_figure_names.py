import pytest

from protogcn.config.figure_names import check_figure_names
from protogcn.config.plan import expand
from protogcn.errors import ConfigError
from tests.made.config import changed, repository_config


def test_the_names_of_the_config_are_all_different():
    check_figure_names(expand(repository_config()))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("6ens_confusion", "would be the confusions of 6ens on .* and the table of 6ens_confusion"),
        ("protogcn_learning_curves", "and the learning curves of protogcn on"),
        ("b_protogcn_vs_protogcn", "and protogcn against protogcn on .*, stream b"),
    ],
)
def test_an_ensemble_with_the_name_of_a_figure_is_refused(name, sentence):
    config = changed(f"ensembles.{name}", {"streams": {"j": 1}})
    with pytest.raises(ConfigError, match=sentence):
        check_figure_names(expand(config))
