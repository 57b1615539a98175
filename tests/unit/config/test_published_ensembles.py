"""The fusion of each method of Table 4, as its authors or PYSKL publish it."""

import pytest
from snakemake.utils import update_config

from protogcn.config.facts import published_numbers
from protogcn.config.inputs import tables_of
from protogcn.config.plan import expand
from protogcn.config.strict_yaml import read_yaml
from protogcn.config.tables import resolve_tables
from protogcn.config.targets import page_of, targets_of
from tests.made.config import REPOSITORY, repository_config

NTU = ("ntu60_xsub", "ntu60_xview", "ntu120_xsub", "ntu120_xset")
OURS = {"2ens", "4ens", "6ens", "4ens_v1", "6ens_v1"}
FOUR = ("j", "b", "jm", "bm")
# Network, space, weights, whether they were, or look, chosen on test labels.
FUSED = {
    "stgcn_4ens": ("stgcn", "probability", dict(zip(FOUR, (2, 2, 1, 1), strict=True)), False),
    "ctrgcn_4ens": ("ctrgcn", "probability", dict(zip(FOUR, (2, 2, 1, 1), strict=True)), False),
    "stgcnpp_4ens": ("stgcnpp", "probability", dict(zip(FOUR, (2, 2, 1, 1), strict=True)), False),
    "ctrgcn_authors_4ens": ("ctrgcn", "logit", dict(zip(FOUR, (0.6, 0.6, 0.4, 0.4), strict=True)), False),
    "skeletongcl_4ens": ("skeletongcl", "logit", dict(zip(FOUR, (0.6, 0.6, 0.4, 0.4), strict=True)), False),
    "infogcn_6ens": ("infogcn", "logit", {"j": 1.5, "b": 1.5, "k": 1.5, "jm": 1, "bm": 1, "km": 1}, False),
    "frhead_4ens_xsub60": ("frhead", "logit", dict(zip(FOUR, (2, 2, 1, 1), strict=True)), True),
    "frhead_4ens_xview60": ("frhead", "logit", dict(zip(FOUR, (0.6, 0.6, 0.4, 0.4), strict=True)), True),
    "frhead_4ens_120": ("frhead", "logit", dict(zip(FOUR, (0.6, 0.75, 0.3, 0.15), strict=True)), True),
    "gap_4ens": ("gap", "logit", dict(zip(FOUR, (0.8, 0.8, 0.2, 0.2), strict=True)), True),
    "hdgcn_6ens": ("hdgcn", "normalised_logit", dict.fromkeys([f"{model}/{stream}".removeprefix("hdgcn/") for model in ("hdgcn", "hdgcn_root2", "hdgcn_root1") for stream in "jb"], 1), False),
    "blockgcn_4ens": ("blockgcn", "logit", dict(zip(FOUR, (0.6, 0.7, 0.35, 0.2), strict=True)), True),
}  # fmt: skip
TASKS = {
    "frhead_4ens_xsub60": NTU[:1],
    "frhead_4ens_xview60": NTU[1:2],
    "frhead_4ens_120": NTU[2:],
}


def config_with_table4():
    config = repository_config()
    update_config(config, read_yaml(REPOSITORY / "config/table4.yaml"))
    return config


@pytest.fixture(scope="module")
def plan():
    return expand(config_with_table4())


def test_every_method_of_table_4_has_its_fusion(plan):
    networks = {run.network["network"] for run in plan.of_ensembles()}
    called = {name.lower().replace("-", "").replace("++", "pp") for name in (row["method"] for row in published_numbers("table4"))}  # fmt: skip
    assert called == networks
    assert {name for _, name in plan.ensembles} == OURS | {*FUSED}


@pytest.mark.parametrize("name", FUSED)
def test_weights_and_space_are_those_of_the_source(plan, name):
    network, space, weights, tuned = FUSED[name]
    tasks = TASKS.get(name, NTU)
    assert tuple(task for task, found in plan.ensembles if found == name) == tasks
    scheme = plan.ensemble(tasks[0], name)
    assert {run.network["network"] for run in plan.members(tasks[0], name)} == {network}
    assert (scheme.space, scheme.streams, scheme.tuned_on_test) == (space, weights, tuned)
    assert scheme.source
    assert not scheme.on_page


def test_hdgcn_is_fused_of_three_roots_and_two_streams(plan):
    members = plan.members("ntu120_xset", "hdgcn_6ens")
    found = {(run.network["root"], run.modality) for run in members}
    assert found == {(root, modality) for root in (1, 2, 3) for modality in "jb"}
    settings = [{k: v for k, v in run.network.items() if k != "root"} for run in members]
    assert all(other == settings[0] for other in settings)
    for modality in "jb":
        trained = [run.settings for run in members if run.modality == modality]
        assert trained == [trained[0]] * 3


def test_infogcn_is_fused_of_three_ancestors_and_their_motions(plan):
    members = plan.members("ntu60_xsub", "infogcn_6ens")
    assert [run.network["k"] for run in members] == [8, 1, 2, 8, 1, 2]


def test_they_are_not_made_unasked(plan):
    """Neither by a bare snakemake, nor by a page."""
    config = config_with_table4()
    assert tables_of(plan, "demo") == [f"results/demo_xsub_{n}ens.csv" for n in (2, 4, 6)]
    known = targets_of(plan, resolve_tables(config, plan))
    page = page_of(plan, known, {"tasks": ["ntu60_xsub"]})
    assert {run.model for run in page.runs} == {"protogcn"}
    ensembles = [name for name in page.tables if not name.endswith(("_v1", "_worth"))]
    assert ensembles == [f"ntu60_xsub_{n}ens" for n in (2, 4, 6)]
    asked = {"tasks": ["ntu60_xsub"], "tables": ["ntu60_xsub_hdgcn_6ens"]}
    assert "hdgcn_root2" in {run.model for run in page_of(plan, known, asked).runs}
