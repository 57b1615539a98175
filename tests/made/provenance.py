"""Results of the nano task with their manifests."""

from dataclasses import replace

from protogcn.report.figures import class_differences
from protogcn.report.tables import fuse, learn
from tests.made.command import run_command
from tests.made.score_files import random_scores


def fused_table(
    results, monkeypatch, *, streams=("j", "b"), weights=None, learned=None, name="t", **run
):
    """Write score files and an ensemble's table of them below ``results``; return the csv."""
    paths = [results / f"runs/nano/xsub/protogcn/{stream}/scores.npz" for stream in streams]
    for seed, (stream, path) in enumerate(zip(streams, paths, strict=True)):
        if not path.exists():
            random_scores(seed, stream=stream, **run).save(path)
    forms = {form: results / f"{name}{ending}" for form, ending in _FORMS.items()}
    assert 0 == run_command(
        fuse, monkeypatch, "--scores", *paths, "--streams", *streams,
        *(("--learned", learned) if learned else ("--weights", *(weights or [1] * len(streams)))),
        "--task", "nano_xsub", "--model", "protogcn", "--ensemble", "all",
        *(word for form, path in forms.items() for word in (f"--{form}", path)),
    )  # fmt: skip
    return forms["csv"]


def learned_weights(results, monkeypatch, *, streams=("j", "b")):
    """Write scores of val sides and the weights that are learned on them; return these."""
    folders = [results / f"runs/nano/xsub/protogcn/{stream}" for stream in streams]
    for seed, (stream, folder) in enumerate(zip(streams, folders, strict=True)):
        scores = random_scores(seed + 7, stream=stream)
        provenance = {**scores.provenance, "side": "val"}
        replace(scores, provenance=provenance).save(folder / "val_scores.npz")
    path = results / "t_weights.json"
    assert 0 == run_command(
        learn, monkeypatch, "--scores", *(folder / "val_scores.npz" for folder in folders),
        "--streams", *streams, "--task", "nano_xsub", "--model", "protogcn", "--side", "val",
        "--learned", path, "--manifest", path.with_suffix(".manifest.json"),
    )  # fmt: skip
    return path


def class_figure(results, monkeypatch):
    """Draw stream j of one model against that of another; return the picture."""
    paths = [results / f"runs/nano/xsub/{model}/j/scores.npz" for model in ("protogcn", "stgcnpp")]
    random_scores(9, model="stgcnpp").save(paths[1])
    stem = results / "nano_xsub_j_protogcn_vs_stgcnpp"
    assert 0 == run_command(
        class_differences, monkeypatch, "--scores", paths[0], "--baseline-scores", paths[1],
        "--task", "nano_xsub", "--stream", "j", "--model", "protogcn", "--baseline", "stgcnpp",
        *_figure(stem),
    )  # fmt: skip
    return stem.with_suffix(".png")


_FORMS = {
    "csv": ".csv",
    "markdown": ".md",
    "latex": ".tex",
    "pairs": "_pairs.csv",
    "record": ".json",
    "manifest": ".manifest.json",
}


def _figure(stem):
    return (
        "--table", f"{stem}.csv", "--figures", f"{stem}.png", "--caption", f"{stem}.txt",
        "--manifest", f"{stem}.manifest.json",
    )  # fmt: skip
