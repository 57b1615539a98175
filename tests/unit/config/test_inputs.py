"""What a job of the workflow reads."""

from dataclasses import replace
from pathlib import Path

import pytest

from protogcn.config import inputs
from protogcn.config.plan import expand
from protogcn.errors import ConfigError
from tests.made.config import repository_config


@pytest.fixture(scope="module")
def plan():
    config = repository_config()
    config["overrides"] |= {
        "scored": {"where": {"task": "ntu60_xsub", "stream": "j"}, "set": {"scores": "s.pkl"}},
        "loaded": {"where": {"task": "ntu60_xsub", "stream": "b"}, "set": {"checkpoint": "c.pth"}},
    }
    return expand(config)


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_raw_files_that_do_not_exist_are_a_sentence_with_where_to_get_them(plan):
    with pytest.raises(ConfigError, match=r"the file data/ntu60_3danno\.pkl does not exist"):
        inputs.raw_files(plan.datasets["ntu60"])


def test_raw_files_of_the_demo_stand_for_their_manifest(plan):
    assert inputs.raw_files(plan.datasets["demo"]) == ["results/data/demo/raw.csv"]


def test_a_folder_of_clips_is_read_again_when_its_table_changes(plan, empty_folder):
    (empty_folder / "mine").mkdir()
    (empty_folder / "mine/annotations.csv").touch()
    dataset = replace(plan.datasets["utd_mhad"], raw="mine", protocol=None)
    assert inputs.raw_files(dataset) == ["mine", "mine/annotations.csv"]


def test_a_pickle_is_read_again_when_the_table_of_splits_beside_it_changes(plan, empty_folder):
    (empty_folder / "mine.pkl").touch()
    dataset = replace(plan.datasets["utd_mhad"], raw="mine.pkl")
    assert inputs.raw_files(dataset) == ["mine.pkl"]
    (empty_folder / "mine.csv").touch()
    assert inputs.raw_files(dataset) == ["mine.pkl", "mine.csv"]


def test_joints_of_compressed_poses_come_from_their_index(plan):
    assert inputs.files_of_joints(plan.datasets["kinetics"]) == ["results/data/kinetics/poses.csv"]
    assert inputs.files_of_joints(plan.datasets["demo"]) == ["results/data/demo/raw.csv"]


def test_a_run_reads_the_prepared_files_of_its_preparation_and_modality(plan):
    run = plan.run("ntu60_xsub", "stgcnpp", "bm-2")
    assert inputs.stored_values(run) == "results/data/ntu60/aligned/bm.npy"
    run = plan.run("kinetics_val", "protogcn", "jm")  # differences of sampled frames
    assert inputs.stored_values(run) == "results/data/kinetics/raw/j.npy"


def test_only_a_run_that_is_trained_has_settings_to_train(plan):
    of = {stream: plan.run("ntu60_xsub", "protogcn", stream) for stream in ("b", "k")}
    assert inputs.settings_to_train(of["k"]) == f"{of['k'].folder}/config.yaml"
    assert inputs.settings_to_train(of["b"]).endswith("no training, as its checkpoint is imported")


def test_an_imported_file_is_its_own_name_or_a_sentence_or_a_file_that_nothing_makes(plan):
    run = plan.run("ntu60_xsub", "protogcn", "b")
    with pytest.raises(ConfigError, match=r"its checkpoint, c\.pth, does not exist"):
        inputs.imported_file(run, "checkpoint")
    Path("c.pth").touch()
    assert inputs.imported_file(run, "checkpoint") == "c.pth"
    assert inputs.imported_file(run, "scores") == f"{run.folder}/no scores to import"


def test_imported_scores_follow_the_annotations_unless_a_list_is_named(plan):
    run = plan.run("ntu60_xsub", "protogcn", "j")
    assert inputs.clip_list_of(run) == ["results/data/ntu60/annotated.csv"]
    assert inputs.clip_list_of(plan.run("ntu60_xsub", "protogcn", "k")) == []
    listed = replace(run, settings={**run.settings, "clips": "mine.csv"})
    with pytest.raises(ConfigError, match=r"its clips, mine\.csv, does not exist"):
        inputs.clip_list_of(listed)


def test_histories_are_those_of_trainings_alone(plan):
    found = inputs.histories_of(plan, "ntu60_xsub", "protogcn")
    folders = [path.split("/")[-2] for path in found]
    assert {"k", "jm", "j-2"} <= set(folders)
    assert not {"j", "b"} & set(folders)
    with pytest.raises(
        ConfigError, match="no ensemble of ntu60_xsub fuses runs of stgcn@protogcn that"
    ):
        inputs.histories_of(plan, "ntu60_xsub", "stgcn@protogcn")


def test_an_animation_shows_what_has_a_file():
    assert inputs.modalities_shown("demo", "all", {"demo"}) == ["j", "b", "k", "jm", "bm", "km"]
    assert inputs.modalities_shown("demo", "all", set()) == ["j", "b", "k"]
    assert inputs.modalities_shown("demo", "k", set()) == ["k"]
    with pytest.raises(ConfigError, match="demo has no file of jm"):
        inputs.modalities_shown("demo", "jm", set())


@pytest.mark.parametrize("raw", ["x{dataset}y", "{a}", "{ a.b }/c", "a{3,4}"])
def test_braces_that_snakemake_would_fill_in_are_a_sentence(plan, empty_folder, raw):
    """``{dataset}`` would be the dataset's name, without a word."""
    (empty_folder / raw).mkdir(parents=True)
    (empty_folder / raw / "annotations.csv").touch()
    dataset = replace(plan.datasets["utd_mhad"], raw=raw, protocol=None)
    with pytest.raises(
        ConfigError, match=r"utd_mhad\.raw: .* has \{.* takes for a wildcard; rename"
    ):
        inputs.raw_files(dataset)


def test_other_braces_are_letters_of_a_path(plan, empty_folder):
    for raw in ("a{}", "{a b}", "}{"):
        (empty_folder / raw).mkdir()
        (empty_folder / raw / "annotations.csv").touch()
        dataset = replace(plan.datasets["utd_mhad"], raw=raw, protocol=None)
        assert inputs.raw_files(dataset)[0] == raw


def test_a_picture_of_a_checkout_in_braces_is_left_out():
    assert inputs.as_input(Path("/x/docs/dag.svg")) == ["/x/docs/dag.svg"]
    assert inputs.as_input(Path("/{x}/docs/dag.svg")) == []


def test_tables_of_a_dataset_are_those_of_its_ensembles(plan):
    assert inputs.tables_of(plan, "demo") == [
        f"results/demo_xsub_{ensemble}.csv" for ensemble in ("2ens", "4ens", "6ens")
    ]
