"""Score files that do not fit together, or say odd things of themselves."""

import json
import random
from dataclasses import replace

import numpy as np

from protogcn.report.tables import fuse
from tests.made.command import run_command
from tests.made.score_files import random_scores

ODD = (None, "", "x", 0, -1, 2**70, 1.5, True, [], {}, [[]], {"a": []}, "../x", "a\nb", "=1+1")


def fused(folder, monkeypatch, first, second):
    """Return the exit code of the fusion of two score files, and its table."""
    paths = [folder / "j/scores.npz", folder / "b/scores.npz"]
    for path, scores in zip(paths, (first, second), strict=True):
        path.parent.mkdir(exist_ok=True)
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


def places(value, path=()):
    """Yield the path of everything in nested dicts and lists."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in items:
        yield from places(each, (*path, key)) if isinstance(each, dict | list) else [(*path, key)]


def test_whatever_a_score_file_says_of_its_origin_is_read_or_refused(
    tmp_path, monkeypatch, campaign, capsys
):
    first, second = random_scores(1), random_scores(2, stream="b")
    for seed in range(campaign.tries(push=40, nightly=400, release=3000)):
        generator = random.Random(seed)
        origin = json.loads(json.dumps(second.provenance))
        for _ in range(generator.randint(1, 2)):
            path = generator.choice([path for path in places(origin) if path])
            owner = origin
            for key in path[:-1]:
                owner = owner[key]
            if generator.random() < 0.2 and isinstance(owner, dict):
                del owner[path[-1]]
            else:
                owner[path[-1]] = generator.choice(ODD)
        code, table = fused(tmp_path, monkeypatch, first, replace(second, provenance=origin))
        said = capsys.readouterr().err
        assert code in (0, 2, 3), (seed, said[-300:])
        assert (code == 0) == (table is not None)
        campaign.count("read" if code == 0 else "refused")
