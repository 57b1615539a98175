import pickle
from dataclasses import replace

import pytest

from protogcn.config.inputs import settings_to_train
from protogcn.config.plan import expand
from protogcn.config.recipe import settings_digest
from protogcn.config.validation import has_val
from protogcn.errors import ConfigError
from tests.made.config import changed, repository_config
from tests.made.nano import DATASET, nano_run

ON_VAL = {"validate_every": 5, "validate_on": "val"}


def run_on(raw, split="xsub", **settings):
    dataset = replace(DATASET, raw=str(raw), splits=(split,))
    return replace(nano_run(**{**ON_VAL, **settings}), dataset=dataset, split=split)


def put_pickle(folder, *lists):
    path = folder / "mine.pkl"
    path.write_bytes(pickle.dumps({"split": {name: ["a"] for name in lists}, "annotations": []}))
    return path


def put_table(folder, text):
    (folder / "annotations.csv").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("split", "lists", "known"),
    [
        ("xsub", ["xsub_train", "xsub_val"], False),
        ("xsub", ["xsub_train", "xsub_test"], False),
        ("xsub", ["xsub_train", "xsub_val", "xsub_test"], None),
        ("xsub", ["xsub_train", "xsub_val", "xset_test"], False),
        ("xsub", [], None),  # its lists are somewhere else
        ("val", ["train", "val"], False),
        ("val", ["train", "val", "test"], None),
    ],
)
def test_lists_of_a_pickle_tell_that_there_is_no_val_side(tmp_path, split, lists, known):
    assert has_val(run_on(put_pickle(tmp_path, *lists), split)) is known


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("clip,label,xsub\na,0,train\nb,1,test\nc,1,-\nd,1,\n", False),
        ("\ufeffclip,label, xsub \na,0,train\nb,1, val\n", True),
        ("clip,label,xsub\na,0,train\nb,1,VALID\n", None),
        ("clip;label;xsub\na;0;train\n", None),
        ("clip,label,xview\na,0,train\n", None),
        ("", None),
    ],
)
def test_table_of_a_folder_tells_it(tmp_path, text, known):
    assert has_val(run_on(put_table(tmp_path, text))) is known


def test_prepared_clips_tell_it_whatever_the_raw_files_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results/data/nano/centred"
    folder.mkdir(parents=True)
    (folder / "clips.csv").write_text("clip,label,xsub\na,0,val\n")
    assert has_val(run_on(put_pickle(tmp_path, "xsub_train", "xsub_val"))) is True


@pytest.mark.parametrize("raw", ["nowhere.pkl", "nowhere"])
def test_raw_files_that_are_not_there_tell_nothing(tmp_path, raw):
    assert has_val(run_on(tmp_path / raw)) is None


def test_the_plan_refuses_a_side_without_clips(tmp_path):
    run = run_on(put_pickle(tmp_path, "xsub_train", "xsub_val"))
    with pytest.raises(ConfigError) as error:
        settings_to_train(run)
    assert str(error.value) == (
        "run nano_xsub/protogcn/j: validate_on is val, but split xsub has no val clip; of a pickle's"
        " lists xsub_train and xsub_val the second is the side test; it is the side val only beside"
        " a list xsub_test. Say validate_on: train, or validate_on: test, with which every table"
        " marks its numbers."
    )
    settings_to_train(run_on(run.dataset.raw, validate_on="test"))
    best = run_on(run.dataset.raw, validate_every=0, select="best", select_on="val")
    with pytest.raises(ConfigError, match="select_on is val, but split xsub has no val clip"):
        settings_to_train(best)


def test_protocols_have_no_val_side():
    plan = expand(changed("train.validate_every", 5))
    with pytest.raises(ConfigError, match=r"protocol ntu120 has the sides train and test\. Say"):
        settings_to_train(plan.run("demo_xsub", "protogcn", "j"))


def test_run_without_a_curve_is_the_run_that_it_was():
    plain = expand(repository_config()).run("demo_xsub", "protogcn", "j")
    assert not {"validate_every", "validate_on"} & plain.settings.keys()
    config = changed("train.validate_every", 5)
    del config["train"]["validate_on"]
    watched = expand(config).run("demo_xsub", "protogcn", "j")
    assert watched.settings == {**plain.settings, **ON_VAL}
    assert settings_digest(watched.to_mapping()) == settings_digest(plain.to_mapping())
