import pickle
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from protogcn.data.clip_list import ClipList
from protogcn.errors import ContractError, run_stage
from protogcn.files.scores import Scores
from protogcn.report.tables.ensemble_rows import ensemble_rivals, ensemble_table
from protogcn.scores.fusion import fuse
from protogcn.scores.import_scores import import_scores, main
from tests.made.nano import nano_run, with_classes, write_run

RUN = nano_run(select="unknown")
IDS = ("c3", "c1", "c0", "c2")  # not in the order of the names
CLIPS = ClipList(IDS, np.array([3, 1, 0, 2]))
LOGITS = np.random.default_rng(0).normal(size=(4, 4)) + 3 * np.eye(4)[CLIPS.labels]


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)


@pytest.fixture
def imported(tmp_path):
    def write_and_import(content, name="result.pkl", clips=CLIPS, run=RUN):
        (tmp_path / name).write_bytes(pickle.dumps(content))
        return import_scores(run, tmp_path / name, clips)

    return write_and_import


def test_vectors_are_joined_by_position_in_the_order_of_the_list(imported):
    scores = imported([vector.astype(np.float32) for vector in softmax(LOGITS)])
    assert scores.clips.tolist() == list(IDS)
    assert scores.labels.tolist() == [3, 1, 0, 2]
    np.testing.assert_allclose(scores.probabilities, softmax(LOGITS), atol=1e-7)
    assert scores.provenance["imported"]["clips joined by"] == "position"


def test_named_vectors_are_joined_by_name(imported):
    named = dict(sorted(zip(IDS, LOGITS, strict=True)))
    scores = imported(named)
    np.testing.assert_array_equal(scores.logits, LOGITS)
    np.testing.assert_allclose(scores.probabilities, softmax(LOGITS))
    assert scores.provenance["imported"]["clips joined by"] == "name"


def test_numbered_samples_are_in_the_order_of_the_names(imported):
    """Twelve clips: test_10 is the eleventh, not the third."""
    ids = tuple(f"c{number:02}" for number in np.random.default_rng(1).permutation(12))
    logits = np.random.default_rng(2).normal(size=(12, 4))
    clips = ClipList(ids, np.zeros(12, np.int64))
    by_name = {clip: row for row, clip in enumerate(ids)}
    entries = [(f"test_{n}", logits[by_name[clip]]) for n, clip in enumerate(sorted(ids))]
    scores = imported(dict(entries[::-1]), clips=clips)
    np.testing.assert_array_equal(scores.logits, logits)
    assert scores.provenance["imported"]["clips joined by"] == "number"
    assert scores.provenance["imported"]["in the order of"] == "the clips' names"


def test_crops_are_averaged_after_the_softmax(imported):
    crops = np.random.default_rng(3).normal(size=(4, 10, 4))
    scores = imported(list(crops))
    np.testing.assert_allclose(scores.logits, crops.mean(axis=1))
    np.testing.assert_allclose(scores.probabilities, softmax(crops).mean(axis=1))
    assert scores.provenance["imported"]["crops"] == 10


def test_score_file_of_ours_gives_itself(imported, tmp_path):
    imported(list(LOGITS)).save(tmp_path / "scores.npz")
    first = Scores.load(tmp_path / "scores.npz")
    again = import_scores(RUN, tmp_path / "scores.npz", CLIPS)
    np.testing.assert_array_equal(again.logits, first.logits)
    np.testing.assert_array_equal(again.probabilities, first.probabilities)


def test_provenance_tells_the_file_and_what_it_holds(imported, tmp_path):
    scores = imported(list(softmax(LOGITS)))
    facts = scores.provenance["imported"]
    assert (facts["file"], facts["form"], facts["crops"]) == ("result.pkl", "PYSKL", 1)
    assert len(facts["sha256"]) == 64
    assert scores.provenance["space"] == "probability"
    assert scores.run == ("nano", "xsub", "protogcn", "j")


def table_of(members, weights, space):
    return ensemble_table(ensemble_rivals(members, weights, space), members, weights)


@pytest.mark.parametrize(
    ("name", "given", "select"),
    [
        ("best_pred.pkl", "unknown", "best"),
        ("result.pkl", "unknown", "unknown"),
        ("best_pred.pkl", "last", "last"),
    ],
)
def test_table_reports_which_epoch_was_scored(imported, name, given, select):
    scores = imported(list(LOGITS), name, run=nano_run(select=given))
    table = table_of({"j": scores}, {"j": 1}, "probability")
    assert table["select"].tolist() == [select, select]


def test_one_unknown_member_marks_the_table(imported):
    unknown, last = (imported(list(LOGITS), run=nano_run(select=s)) for s in ("unknown", "last"))
    table = table_of({"j": last, "b": unknown}, {"j": 1, "b": 1}, "logit")
    assert table["select"].tolist() == ["last", "unknown", "unknown"]


def test_probabilities_are_fused_but_not_as_logits(imported):
    scores = imported(list(softmax(LOGITS)))
    np.testing.assert_allclose(
        fuse({"j": scores}, {"j": 1}, "probability"), softmax(LOGITS), atol=1e-7
    )
    fuse({"j": scores}, {"j": 1}, "log_probability")
    for space in ("logit", "normalised_logit"):
        with pytest.raises(
            ContractError, match=rf"result\.pkl: .* as probabilities, .* space {space} needs"
        ):
            fuse({"j": scores}, {"j": 1}, space)


SAMPLES = [{"pred_score": v, "gt_label": n} for v, n in zip(LOGITS, CLIPS.labels, strict=True)]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (list(LOGITS[:3]), "scores of 3 clips without names, but the list of test clips has 4"),
        (list(LOGITS[:, :3]), "has scores of 3 classes, expected 4"),
        (
            [s | {"gt_label": np.array(s["gt_label"]) + 1} for s in SAMPLES],
            "labels seem to start at 1",
        ),
        (dict(zip(["c3", "c1", "c0", "x"], LOGITS, strict=True)), r"1 are missing \(such as c2\) and 1 are too many \(such as x\)"),
        (dict(zip(IDS[:3], LOGITS, strict=False)), r"1 are missing \(such as c2\) and 0 are too many"),
        ({f"test_{n}": v for n, v in zip((2, 3, 4, 5), LOGITS, strict=True)}, "4 are missing"),
        (SAMPLES[1:] + SAMPLES[:1], "4 of 4 clips have another label, the first is c3 with 1, expected 3"),
        (list(10 * softmax(LOGITS)), "are positive and sum to 10, expected probabilities"),
    ],
)  # fmt: skip
def test_scores_that_do_not_fit_are_one_sentence(imported, content, sentence):
    with pytest.raises(
        ContractError, match=rf"result\.pkl as run nano_xsub/protogcn/j: .*{sentence}"
    ):
        imported(content)


def test_scores_in_another_order_are_refused(imported):
    """Two good streams in different orders once gave a fused accuracy of 1.7 per cent."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, 400)
    clips = ClipList(tuple(f"c{number}" for number in range(400)), labels)
    good = list(np.eye(4)[labels] * 4 + generator.normal(size=(400, 4)))
    assert len(imported(good, clips=clips).clips) == 400
    generator.shuffle(good)
    with pytest.raises(ContractError, match=r"no more than by chance .* another list of clips"):
        imported(good, clips=clips)
    named = {f"c{number}": vector for number, vector in enumerate(good)}
    assert len(imported(named, clips=clips).clips) == 400  # names are trusted


def with_settings(**settings):
    return replace(RUN, settings={**RUN.settings, **settings})


@pytest.mark.parametrize("keys", [np.int64, "test_{}".format, str])
def test_numbered_samples_follow_the_list_that_was_given(imported, keys):
    content = {keys(row): vector for row, vector in enumerate(LOGITS)}
    scores = imported(content, run=with_settings(clips="mine.csv"))
    np.testing.assert_array_equal(scores.logits, LOGITS)
    assert scores.provenance["imported"]["in the order of"] == "the list given as clips"


def many(order):
    """Good scores of 48 clips whose list is not sorted by name, in another order."""
    names = np.array([f"c{number:02}" for number in np.random.default_rng(4).permutation(48)])
    labels = np.arange(48) % 8
    values = np.eye(8)[labels] * 4 + np.random.default_rng(5).normal(size=(48, 8))
    rows = {"list": np.arange(48), "names": np.argsort(names), "none": np.arange(48) - 1}[order]
    return list(values[rows]), ClipList(tuple(names), labels)


EIGHT = replace(RUN, dataset=with_classes(*"abcdefgh"))


@pytest.mark.parametrize(
    ("order", "is_given", "is_numbered", "sentence"),
    [
        ("names", True, True, "follow the list given as clips, but that list sorted by name; sort"),
        ("none", True, True, "the list given as clips, but another list of clips; put it in the"),
        ("none", True, False, "the list given as clips, but another list of clips; put it in the"),
        ("names", False, False, "the annotation file, but that list sorted by name; give that one"),
        ("none", False, False, "the annotation file, but another list of clips; give that one as"),
        (
            "none",
            False,
            True,
            "the clips' names, but another list of clips; give that one as clips",
        ),
    ],
)
def test_scores_of_few_clips_in_another_order_are_refused(
    imported, order, is_given, is_numbered, sentence
):
    values, clips = many(order)
    run = replace(EIGHT, settings={**RUN.settings, **({"clips": "a.csv"} if is_given else {})})
    content = {f"test_{row}": v for row, v in enumerate(values)} if is_numbered else values
    with pytest.raises(ContractError, match=rf"of 48 clips are right, no more than .*{sentence}"):
        imported(content, clips=clips, run=run)


def test_too_few_clips_to_tell_are_taken_and_it_is_said(imported):
    scores = imported([LOGITS[1], LOGITS[0], *LOGITS[2:]])
    (remark,) = scores.provenance["imported"]["remarks"]
    assert remark.startswith("2 of 4 clips are right, maybe by chance (1): too few clips to tell")


def test_named_scores_no_better_than_chance_are_said_to_be(imported):
    values, clips = many("none")
    scores = imported(dict(zip(clips.ids, values, strict=True)), clips=clips, run=EIGHT)
    (remark,) = scores.provenance["imported"]["remarks"]
    assert "no more than by chance" in remark
    assert "are the classes of the file in the order of the config's?" in remark


def test_rounded_probabilities_are_no_logits(imported):
    shares = np.round(softmax(LOGITS), 2)
    scores = imported(list(shares))
    expected = shares / shares.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(scores.probabilities, expected)
    assert scores.provenance["space"] == "probability"
    assert "divided by that" in scores.provenance["imported"]["remarks"][0]


def test_question_about_the_space_is_answered_by_the_config(imported):
    sigmoid = 1 / (1 + np.exp(-LOGITS))
    with pytest.raises(
        ContractError, match=r"all scores lie in 0 to 1, .* score_space: probability"
    ):
        imported(list(sigmoid))
    told = imported(list(sigmoid), run=with_settings(score_space="logit"))
    np.testing.assert_allclose(told.probabilities, softmax(sigmoid))
    assert told.provenance["imported"]["space"] == "as told by the config"


def test_logarithms_of_probabilities_serve_as_logits_but_not_divided_by_their_norm(imported):
    scores = imported(list(np.log(softmax(LOGITS))))
    assert scores.provenance["space"] == "log_probability"
    np.testing.assert_allclose(scores.probabilities, softmax(LOGITS))
    fused = fuse({"j": scores}, {"j": 1}, "logit")
    assert (fused.argmax(axis=1) == LOGITS.argmax(axis=1)).all()
    with pytest.raises(
        ContractError, match=r"as log-probabilities, .* space normalised_logit needs"
    ):
        fuse({"j": scores}, {"j": 1}, "normalised_logit")


def write_csv(path, header):
    rows = [",".join([clip, *map(str, v)]) for clip, v in zip(IDS, LOGITS, strict=True)]
    path.write_text("\n".join([header, *rows]) + "\n")


def test_csv_with_classes_in_another_order_is_refused(tmp_path):
    for header in ("clip,0,1,2,3", "clip,up,down,left,right"):
        write_csv(tmp_path / "a.csv", header)
        np.testing.assert_array_equal(import_scores(RUN, tmp_path / "a.csv", CLIPS).logits, LOGITS)
    write_csv(tmp_path / "a.csv", "clip,up,left,down,right")
    with pytest.raises(ContractError, match="class 1 is 'left', expected 'down'"):
        import_scores(RUN, tmp_path / "a.csv", CLIPS)


def test_names_that_do_not_fit_the_scores_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", scores=LOGITS, clips=np.array(IDS[:3]))
    with pytest.raises(ContractError, match="has 3 names for 4 scores"):
        import_scores(RUN, tmp_path / "a.npz", CLIPS)
    np.savez(tmp_path / "a.npz", scores=LOGITS, clips=np.array(["c3", "c1", "c1", "c2"]))
    with pytest.raises(ContractError, match="clip c1 appears twice"):
        import_scores(RUN, tmp_path / "a.npz", CLIPS)


def test_real_joint_and_bone_scores_give_their_documented_table(real_scores, tmp_path, monkeypatch):
    """Through the command, as mmaction2 dumps them and as PYSKL does."""
    dataset = replace(with_classes(*(f"action {number}" for number in range(120))), name="ntu120")
    labels = real_scores["label"]
    (tmp_path / "labels.csv").write_text(
        "clip,label\n" + "".join(f"s{row},{label}\n" for row, label in enumerate(labels))
    )
    samples = zip(map(torch.from_numpy, real_scores["joint"]), torch.tensor(labels), strict=True)
    contents = {
        "j": [{"pred_score": vector, "gt_label": label[None]} for vector, label in samples],
        "b": list(real_scores["bone"]),
    }
    members = {}
    for stream, content in contents.items():
        config = write_run(tmp_path / stream, replace(RUN, dataset=dataset, modality=stream))
        source, scores = tmp_path / f"{stream}.pkl", tmp_path / f"{stream}.npz"
        source.write_bytes(pickle.dumps(content))
        arguments = ["--config", config, "--source", source, "--scores", scores]
        arguments += ["--clips", tmp_path / "labels.csv"]
        monkeypatch.setattr(sys, "argv", ["import_scores", *map(str, arguments)])
        run_stage(main)
        members[stream] = Scores.load(scores)
    table = table_of(members, {"j": 1, "b": 1}, "probability")
    fused = table.iloc[-1]
    assert (fused["clips"], fused["top1"], fused["top5"], fused["mean_class"]) == (
        "60", "93.33", "98.33", "91.80",
    )  # fmt: skip


def test_classes_in_rows_are_told(imported):
    clips = ClipList(IDS[:3], CLIPS.labels[:3])
    with pytest.raises(ContractError, match=r"of 3 classes.*: transpose the scores"):
        imported(LOGITS[:3].T, clips=clips)
