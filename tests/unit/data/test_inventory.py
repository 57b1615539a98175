import dataclasses

import numpy as np
import pandas as pd
import pytest

from protogcn.config.resolved import dataset_from_mapping
from protogcn.data.inventory import Inventory
from protogcn.data.joints import write_joints
from protogcn.data.readers import DroppedClip, RawClip
from protogcn.errors import ContractError
from protogcn.files.arrays import open_array
from protogcn.files.clip_table import ClipTable
from tests.made.nano import DATASET, nano_clips

LEAVING_OUT = dataclasses.replace(DATASET, leave_out_copies=True)


def with_copies(count=2):
    """Return the nano clips, and copies of the first training clips as test clips."""
    clips = list(nano_clips())
    trained = [clip for clip in clips if clip.sides["xsub"] == "train"][:count]
    copies = [
        dataclasses.replace(clip, name=f"copy {number}", sides={"xsub": "test"})
        for number, clip in enumerate(trained)
    ]
    return [*copies, *clips]


def inventory_of(clips, dataset=DATASET):
    inventory = Inventory(dataset)
    for clip in clips:
        inventory.take(clip)
    inventory.finish()
    return inventory


def write(folder, clips, dataset):
    names = ("joints", "clips", "dropped")
    write_joints(clips, dataset, "centred", **{f"{name}_path": folder / name for name in names})
    _, trailer = open_array(folder / "joints")
    return ClipTable.load(folder / "clips"), pd.read_csv(folder / "dropped"), trailer["inputs"]


def test_copies_are_counted_and_named_with_the_joints(tmp_path, capsys):
    table, dropped, inputs = write(tmp_path, with_copies(), DATASET)
    assert inputs["copies"] == {"xsub": {"groups": 2, "test clips": 2}}
    assert inputs["clips of copies"]["xsub"][0] == ["clip 00", "copy 0"]
    assert (table.sides["xsub"] == "test").sum() == 10
    assert len(dropped) == 0
    told = capsys.readouterr().err
    assert "on both sides of split xsub: clip 00 (train) = copy 0 (test);" in told
    assert "2 groups of clips with the same positions, 2 of 10 test clips are known" in told
    assert "datasets.nano.leave_out_copies: true leaves them out" in told


def test_copies_are_left_out_of_the_test_side_and_listed(tmp_path, capsys):
    table, dropped, inputs = write(tmp_path, with_copies(), LEAVING_OUT)
    assert inputs["copies"] == {"xsub": {"groups": 0, "test clips": 0}}
    assert dropped.values.tolist() == [
        [f"copy {number}", "copy_in_training_xsub"] for number in range(2)
    ]
    assert table.sides["xsub"][:2].tolist() == ["-", "-"]
    assert (table.sides["xsub"] == "test").sum() == 8
    told = capsys.readouterr().err
    assert "nano: 24 clips kept, 2 left out." in told
    assert "left out by rule: 2 copy_in_training_xsub." in told
    assert "both sides" not in told


def test_each_split_leaves_out_its_own_copies():
    dataset = dataclasses.replace(LEAVING_OUT, splits=("xsub", "xview"))
    clip = next(iter(nano_clips()))
    clips = [
        dataclasses.replace(clip, name="a", sides={"xsub": "train", "xview": "test"}),
        dataclasses.replace(clip, name="b", sides={"xsub": "test", "xview": "test"}),
    ]
    inventory = inventory_of(clips, dataset)
    assert inventory.sides == {
        "a": {"xsub": "train", "xview": "test"},
        "b": {"xsub": "-", "xview": "test"},
    }
    assert inventory.dropped == [DroppedClip("b", "copy_in_training_xsub")]


def test_a_test_side_of_copies_alone_says_why_it_is_empty():
    clips = [
        clip
        for clip in with_copies()
        if clip.sides["xsub"] == "train" or clip.name.startswith("copy")
    ]
    (problem,) = inventory_of(clips, LEAVING_OUT).problems()
    assert "split xsub has no test clip" in problem
    assert "all 2 are copies of earlier sides' clips and left out" in problem


def test_the_expected_number_of_clips_takes_left_out_copies_into_account():
    ntu = dataclasses.replace(LEAVING_OUT, protocol="ntu60", leave_out_missing=True)
    sentences = [sentence for sentence, _ in inventory_of(with_copies(), ntu).oddities()]
    told = "nano_xsub has 8 test clips (2 copies are left out), its authors count 16487"
    assert any(told in sentence for sentence in sentences)


def test_the_setting_is_kept_and_changes_nothing_where_it_is_not_used():
    assert "leave_out_copies" not in DATASET.to_mapping()
    assert dataset_from_mapping(DATASET.to_mapping()).leave_out_copies is False
    assert dataset_from_mapping(LEAVING_OUT.to_mapping()).leave_out_copies is True


def test_labels_beyond_the_classes_are_one_sentence():
    clips = [dataclasses.replace(clip, label=4 + clip.label % 2) for clip in nano_clips()]
    inventory = inventory_of(clips)
    (problem,) = inventory.problems()
    assert problem == (
        "nano.pkl: 24 of 24 samples (clip 00, clip 01, clip 02, clip 03, clip 04, ...) have the"
        " labels 4, 5, but datasets.nano has 4 classes (0 to 3)."
    )
    assert len(inventory.faults()) == 24


@pytest.mark.parametrize("count", [1, 3])
def test_a_name_that_appears_twice_is_a_problem(count):
    clips = [*nano_clips(), *list(nano_clips())[:count]]
    assert any("appear twice" in problem for problem in inventory_of(clips).problems())


def test_a_body_of_tiny_numbers_is_none_here_as_in_the_joints_stage(tmp_path):
    tiny = RawClip("tiny", 0, np.full((1, 5, 5, 3), 1e-9), {"xsub": "test"})
    inventory = inventory_of([*nano_clips(), tiny])
    assert inventory.dropped == [DroppedClip("tiny", "no_body")]
    table, dropped, _ = write(tmp_path, [*nano_clips(), tiny], DATASET)
    assert "tiny" not in table.ids
    assert dropped["rule"].tolist() == ["no_body"]


def test_classes_without_training_clip_are_one_line():
    dataset = dataclasses.replace(DATASET, classes=tuple(f"action {n}" for n in range(120)))
    clips = [dataclasses.replace(clip, label=0) for clip in nano_clips()]
    lines = [sentence for sentence, _ in inventory_of(clips, dataset).oddities()]
    assert any(
        "119 of 120 classes have no training clip in split xsub (1 action 1, 2 action 2, 3 action"
        " 3, 4 action 4, 5 action 5, ...)" in line
        for line in lines
    )


def test_all_problems_are_told_at_once(tmp_path):
    clips = [
        dataclasses.replace(clip, sides={"xsub": "train"})
        for clip in [*nano_clips(), *list(nano_clips())[:1]]
    ]
    with pytest.raises(ContractError) as caught:
        write(tmp_path, clips, DATASET)
    assert "appear twice" in str(caught.value)
    assert "has no test clip" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_split_that_is_all_training_is_enough_for_folds():
    found = []
    for hold_out in (None, {"by": "clip", "seed": 0, "folds": 2}):
        inventory = Inventory(dataclasses.replace(DATASET, hold_out=hold_out))
        for clip in nano_clips():
            inventory.take(dataclasses.replace(clip, sides={"xsub": "train"}))
        inventory.finish()
        found.append([*inventory.problems()])
    assert found[0] == ["nano.pkl: split xsub has no test clip, expected some."]
    assert found[1] == []
