"""What the rules of the figures ask for."""

import pytest

from tests.made.table_scores import predictions, write_scores
from tests.workflow.conftest import NANO

FIGURES = {
    "draw_confusion": "results/nano_xsub_2ens_confusion.pdf",
    "draw_confusion_of_run": "results/runs/nano/xsub/protogcn/b/confusion.png",
    "draw_streams": "results/nano_xsub_2ens_streams.csv",
    "draw_worth": "results/nano_xsub_2ens_worth.pdf",
    "draw_class_differences": "results/nano_xsub_b_protogcn_vs_wide.csv",
    "draw_topology": "results/runs/nano/xsub/protogcn/j/topology/walk/a 1.png",
    "draw_animation": "results/data/nano/centred/clips//home/me/a 1.mp4_all.gif",
}


def test_figures_plan_exactly_the_runs_they_show(workplace):
    wide = workplace.config(
        "models: {wide: {network: protogcn, width: 48, blocks: 2, downsample: [2], subsets: 8,"
        " prototypes: 10, contrast_weight: 0.2}}"
    )
    planned = workplace.planned(*FIGURES.values(), configs=(NANO, wide))
    assert {rule: count for rule, count in planned.items() if rule.startswith("draw")} == (
        dict.fromkeys(FIGURES, 1)
    )
    # j and b of one model, b of the other; no other stream, and no table.
    assert planned["train_stream"] == planned["score_stream"] == 3
    assert "fuse_ensemble" not in planned


@pytest.mark.parametrize(
    ("more", "target", "sentence"),
    [
        (
            "ensembles: {2ens_streams: {streams: {j: 1}}}",
            "results/nano_xsub_2ens_streams.csv",
            "would be the streams of 2ens on ntu60_xsub and the table of 2ens_streams",
        ),
        (
            "models: {wide: {network: protogcn, width: 48, blocks: 2, downsample: [2], subsets: 8,"
            " prototypes: 10, contrast_weight: 0.2}}",
            "results/nano_xsub_wide_learning_curves.png",
            "ConfigError: no ensemble of nano_xsub fuses runs of wide that are trained by this pipeline.",
        ),
        (
            "overrides: {poses: {where: {dataset: nano}, set: {difference: sampled}}}",
            "results/data/nano/centred/clips/a_jm.gif",
            "ConfigError: nano has no file of jm, as its motions are differences of sampled frames;",
        ),
    ],
)
def test_a_figure_that_cannot_be_is_one_sentence(workplace, more, target, sentence):
    answer = workplace.snakemake("--dry-run", target, configs=(NANO, workplace.config(more)))
    assert answer.returncode != 0
    assert sentence in answer.stdout
    assert "Traceback" not in answer.stdout


def test_learning_curves_leave_out_runs_that_are_not_trained_here(workplace):
    (workplace.folder / "j.pkl").touch()
    more = workplace.config("overrides: {j: {where: {stream: j}, set: {scores: j.pkl}}}")
    planned = workplace.planned(
        "results/nano_xsub_protogcn_learning_curves.png", configs=(NANO, more)
    )
    assert planned["train_stream"] == 5  # six are fused
    assert planned["draw_learning_curves"] == 1


def test_animation_of_all_needs_the_files_that_there_are(workplace):
    more = workplace.config(
        "overrides: {poses: {where: {dataset: nano}, set: {difference: sampled}}}"
    )
    planned = workplace.planned("results/data/nano/centred/clips/a_all.gif", configs=(NANO, more))
    assert planned["compute_still_modalities"] == planned["draw_animation"] == 1


@pytest.mark.slow
def test_snakemakes_own_report_has_the_figure_with_its_own_caption(workplace):
    for stream in ("j", "b"):
        write_scores(workplace.folder, stream, predictions(0, 1), [0, 0])
    target = "results/nano_xsub_2ens_confusion.png"
    for command in (("--cores", "1"), ("--report", "own.html")):
        answer = workplace.snakemake(*command, target)
        assert answer.returncode == 0, answer.stdout
    caption = (workplace.folder / "results/nano_xsub_2ens_confusion.txt").read_text()
    assert caption.startswith("Confusion matrix of 2ens on nano_xsub: 50.00 % of 2 clips")
    assert caption.strip() in (workplace.folder / "own.html").read_text()
