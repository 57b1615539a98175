"""Score files that do not fit together, or say odd things of themselves."""

import json
from dataclasses import replace

import numpy as np

from protogcn.report.page import report
from protogcn.report.tables import fuse, tabulate
from tests.made.command import run_command
from tests.made.odd_values import with_odd_values
from tests.made.score_files import random_scores
from tests.made.table_scores import cell, digest_of, table


def files_in(folder):
    """Return where the score files of the two streams lie."""
    return [folder / f"nano/xsub/protogcn/{stream}/scores.npz" for stream in ("j", "b")]


def fused(folder, monkeypatch, first, second):
    """Return the exit code of the fusion of two score files, and its table."""
    paths = files_in(folder)
    for path, scores in zip(paths, (first, second), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(scores, bytes):
            path.write_bytes(scores)
        else:
            with path.open("wb") as file:  # as it is: saving would refuse what is wrong
                np.savez(file, **scores._arrays())
    files = {name: folder / f"t{end}" for name, end in ENDINGS.items()}
    for path in files.values():
        path.unlink(missing_ok=True)
    code = run_command(
        fuse, monkeypatch, "--scores", *paths, "--streams", "j", "b", "--weights", 2, 1,
        "--task", "nano_xsub", "--model", "protogcn", "--ensemble", "2ens",
        *(word for name, path in files.items() for word in (f"--{name}", path)),
    )  # fmt: skip
    return code, files["csv"].read_bytes() if files["csv"].exists() else None


ENDINGS = {
    "csv": ".csv",
    "markdown": ".md",
    "latex": ".tex",
    "pairs": "_pairs.csv",
    "record": ".json",
    "manifest": ".manifest.json",
}


def in_order(scores, order):
    rows = {
        name: getattr(scores, name)[order]
        for name in ("clips", "labels", "logits", "probabilities")
    }
    return replace(scores, **rows)


def test_the_order_of_clips_changes_no_byte_of_a_table(tmp_path, monkeypatch, campaign, capsys):
    first, second = random_scores(1), random_scores(2, stream="b")
    expected = fused(tmp_path, monkeypatch, first, second)
    assert expected[0] == 0
    for seed in range(campaign.tries(push=5, nightly=100, release=500)):
        generator = np.random.default_rng(seed)
        shuffled = in_order(second, generator.permutation(60))
        also = in_order(first, generator.permutation(60))
        assert fused(tmp_path, monkeypatch, also, shuffled) == expected, seed
        campaign.count("harmless")
    capsys.readouterr()


def wrong(scores):
    """Yield what is wrong, and scores that have it."""
    values = scores.probabilities.copy()
    values[7] = np.nan
    swapped = scores.labels.copy()
    swapped[:2] = swapped[:2][::-1] if swapped[0] != swapped[1] else (swapped[:2] + 1) % 4
    names = scores.classes.copy()
    names[0] = "another"
    yield "a clip less", in_order(scores, np.arange(59))
    yield "a clip twice", in_order(scores, np.r_[0, np.arange(59)])
    yield "another clip", replace(scores, clips=np.r_[["other"], scores.clips[1:]])
    yield "other labels", replace(scores, labels=swapped)
    yield "labels beyond", replace(scores, labels=scores.labels + 100)
    yield "a class renamed", replace(scores, classes=names)
    yield "classes in another order", replace(scores, classes=scores.classes[::-1])
    yield "fewer classes", replace(scores, logits=scores.logits[:, :3])
    yield "not finite", replace(scores, probabilities=values)
    yield "another split", random_scores(2, stream="b", split="xview")
    yield "another stream", random_scores(2, stream="k")
    yield "no clip", in_order(scores, np.arange(0))
    yield "no zip", b"no zip"
    yield "empty", b""


def test_scores_that_do_not_belong_together_are_one_sentence(
    tmp_path, monkeypatch, campaign, capsys
):
    first, second = random_scores(1), random_scores(2, stream="b")
    for what, scores in wrong(second):
        code, table = fused(tmp_path, monkeypatch, first, scores)
        assert (code, table) in ((2, None), (3, None)), what
        said = capsys.readouterr().err
        named = ("scores.npz", "stream b against stream j", "scores of nano_xsub/protogcn/b")
        assert any(name in said for name in named), (what, said)
        campaign.count("refused")


def tabulated(folder, monkeypatch, entry, *scores):
    """Return the exit code of a comparison table, and whether it exists."""
    (folder / "t.yaml").write_text(json.dumps(entry))
    files = {name: folder / f"table{end}" for name, end in ENDINGS.items() if name != "record"}
    for path in files.values():
        path.unlink(missing_ok=True)
    words = (word for name, path in files.items() for word in (f"--{name}", path))
    code = run_command(
        tabulate, monkeypatch, "--table", folder / "t.yaml", *words, "--scores", *scores
    )
    return code, files["csv"].exists()


def on_a_page(folder, monkeypatch, *scores):
    """Return the exit code of a results page, and whether it exists."""
    page = folder / "report.html"
    page.unlink(missing_ok=True)
    code = run_command(report, monkeypatch, "--scores", *scores, "--page", page)
    return code, page.exists()


def wanted():
    """Return a request for a table of two streams and their ensemble."""
    cells = table(cell("J", "j"), cell("B", "b"), cell("2ens", {"j": 1, "b": 2})).to_mapping()
    digests = {f"nano_xsub/protogcn/{stream}": digest_of(stream) for stream in ("j", "b")}
    return cells | {"recipe": {}, "digests": digests}


def test_whatever_a_score_file_says_of_its_origin_is_read_or_refused(
    tmp_path, monkeypatch, campaign, capsys
):
    first, second = random_scores(1), random_scores(2, stream="b")
    files = files_in(tmp_path)

    def outcomes_of(origin):
        code, made = fused(tmp_path, monkeypatch, first, replace(second, provenance=origin))
        return [
            (code, made is not None),
            tabulated(tmp_path, monkeypatch, wanted(), *files),
            on_a_page(tmp_path, monkeypatch, *files),
        ]

    assert outcomes_of(second.provenance) == 3 * [(0, True)], capsys.readouterr().err
    for seed in range(campaign.tries(push=20, nightly=400, release=3000)):
        outcomes = outcomes_of(with_odd_values(second.provenance, seed))
        said = capsys.readouterr().err
        assert {*outcomes} <= {(0, True), (2, False), (3, False)}, (seed, outcomes, said[-900:])
        for code, _ in outcomes:
            campaign.count("read" if code == 0 else "refused")


def test_whatever_a_comparison_table_asks_for_is_measured_or_refused(
    tmp_path, monkeypatch, campaign, capsys
):
    fused(tmp_path, monkeypatch, random_scores(1), random_scores(2, stream="b"))
    files = files_in(tmp_path)
    assert tabulated(tmp_path, monkeypatch, wanted(), *files) == (0, True)
    capsys.readouterr()
    for seed in range(campaign.tries(push=30, nightly=400, release=3000)):
        outcome = tabulated(tmp_path, monkeypatch, with_odd_values(wanted(), seed), *files)
        said = capsys.readouterr().err
        assert outcome in ((0, True), (2, False), (3, False)), (seed, outcome, said[-900:])
        campaign.count("read" if outcome[0] == 0 else "refused")
