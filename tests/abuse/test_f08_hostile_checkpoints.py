"""Files of weights and of a training's state that somebody else has put there."""

import copy
import io
import os
import pickle
import shutil
import zipfile

import pytest
import torch

from protogcn.errors import ConfigError, ContractError, NotFiniteError
from protogcn.models.checkpoint import load_checkpoint, save_checkpoint
from protogcn.scores.score import score
from protogcn.training.train import train
from tests.made.nano import nano_run, store_of, write_checkpoint

REFUSALS = (ConfigError, ContractError, NotFiniteError)
ODD = (None, "", -1, 10**30, 0.5, True, [], {}, [[]], {"a": {}}, torch.ones(3), float("nan"))


class Call:
    """What runs a function when it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def of_bytes(content, **options):
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def zipped(data):
    """Return an archive as torch writes it, of a pickle of any kind."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")
    return buffer.getvalue()


def payloads(content, canary):
    """Yield what would run something."""
    calls = {
        "os.mkdir": Call(os.mkdir, canary),
        "eval": Call(eval, f"__import__('os').mkdir({canary!r})"),
        "getattr": Call(getattr, Call(__import__, "os"), "system"),
        "torch.load": Call(torch.load, canary),
    }
    for name, call in calls.items():
        yield f"{name} among the entries", of_bytes(content | {"commit": call})
        yield (
            f"{name} in the old form",
            of_bytes(content | {"commit": call}, _use_new_zipfile_serialization=False),
        )
        yield f"{name} as a plain pickle", pickle.dumps({"model": call})
        yield (
            f"{name} in an archive",
            zipped(pickle.dumps(content["facts"] | {"x": call}, protocol=2)),
        )


def with_tensors(content, change):
    """Return the content with every weight changed."""
    model = {name: change(value) for name, value in content["model"].items()}
    return content | {"model": model}


def first_changed(content, change):
    name = next(name for name, value in content["model"].items() if value.ndim)
    return content | {"model": content["model"] | {name: change(content["model"][name])}}


def contents_of(content):
    """Yield what no training of ours has written, in files that are whole."""
    facts, model = content["facts"], content["model"]
    first = next(iter(model))
    yield "of another network", content | {"facts": facts | {"model.width": 48}}
    yield "without a fact", content | {"facts": dict(list(facts.items())[1:])}
    yield "of a later version", content | {"facts": facts | {"format": 99}}
    for name in content:
        yield f"without {name}", {key: value for key, value in content.items() if key != name}
    yield "a tensor less", content | {"model": {n: v for n, v in model.items() if n != first}}
    yield "a tensor more", content | {"model": model | {"more": torch.ones(2)}}
    yield "a tensor renamed", content | {"model": {f"module.{n}": v for n, v in model.items()}}
    yield "another shape", first_changed(content, lambda value: value[..., :1])
    yield (
        "a shape without end",
        first_changed(content, lambda value: value.flatten()[:1].expand(2**40)),
    )
    yield "no numbers", first_changed(content, lambda value: "weights")
    yield "on no device", first_changed(content, lambda value: value.to("meta"))
    yield "sparse", first_changed(content, lambda value: value.to_sparse())
    yield "complex", with_tensors(content, lambda value: value.to(torch.complex64))
    yield (
        "NaN",
        with_tensors(
            content, lambda value: value * float("nan") if value.is_floating_point() else value
        ),
    )
    yield "one NaN", first_changed(content, lambda value: value * float("nan"))
    yield "infinite", first_changed(content, lambda value: value + float("inf"))
    yield "bool", with_tensors(content, lambda value: value != 0)
    yield "whole numbers", with_tensors(content, lambda value: value.long())
    yield (
        "half",
        with_tensors(content, lambda value: value.half() if value.is_floating_point() else value),
    )


def odd_entries(content):
    """Yield one entry after the other as what it is not, two levels deep."""
    for key, entry in content.items():
        for value in ODD:
            yield f"{key} is {value!r}", content | {key: value}
        if isinstance(entry, dict) and key != "model":
            for inner, value in ((inner, value) for inner in entry for value in ODD):
                yield f"{key}.{inner} is {value!r}", content | {key: entry | {inner: value}}
        if isinstance(entry, list):
            rows = entry[0] if entry else {}
            for inner, value in ((inner, value) for inner in rows for value in ODD):
                yield f"{key}[0].{inner} is {value!r}", content | {key: [rows | {inner: value}]}
            yield f"{key} of empty rows", content | {key: [{}]}


def places(path, good):
    """Yield what is at a path that is no file of its own."""

    def folder():
        path.mkdir()

    def nowhere():
        path.symlink_to("nothing")

    def loop():
        path.symlink_to(path.name)

    def link():
        path.symlink_to(good)

    def pipe():
        os.mkfifo(path)

    def device():
        path.symlink_to("/dev/zero")

    return folder, nowhere, loop, link, pipe, device


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def hostile(content, path, good, canary):
    """Yield the name of a case and a function that puts it to a path."""
    for name, data in payloads(content, canary):
        yield name, lambda data=data: path.write_bytes(data)
    for name, changed in (*contents_of(content), *odd_entries(content)):
        yield name, lambda changed=changed: save_checkpoint(path, changed)
    for place in places(path, good):
        yield place.__name__, place


def chosen(cases, number, must):
    """Return cases that are spread over all, and those that must be among them."""
    cases = list(cases)
    step = max(1, len(cases) // number)
    return [case for place, case in enumerate(cases) if place % step == 0 or case[0] in must]


MUST = ("os.mkdir among the entries", "one NaN", "half", "folder", "link", "pipe")


@pytest.fixture
def trained(data, tmp_path):
    run = nano_run(epochs=2)
    store = store_of(data)
    training = train(run, store, tmp_path / "run")
    write_checkpoint(tmp_path / "checkpoint.pt", run, store, training.model.eval())
    return run, store, training


def test_a_hostile_checkpoint_is_refused_or_scores_the_same(trained, tmp_path, campaign, capsys):
    run, store, _ = trained
    path, good = tmp_path / "hostile/checkpoint.pt", tmp_path / "checkpoint.pt"
    path.parent.mkdir()
    expected = score(run, store, good).logits.tobytes()
    content = load_checkpoint(good, {})
    cases = hostile(content, path, good, str(tmp_path / "canary"))
    for name, put in chosen(cases, campaign.tries(push=25, nightly=999, release=999), MUST):
        put()
        try:
            found = score(run, store, path)
        except REFUSALS as error:
            outcome = "refused" if len(str(error)) < 2000 else "a long story"
        else:
            outcome = "harmless" if found.logits.tobytes() == expected else "other scores"
        assert outcome in ("refused", "harmless"), (name, outcome)
        assert not (tmp_path / "canary").exists(), name
        remove(path)
        campaign.count(outcome)


def test_a_hostile_state_is_refused_or_the_training_ends_with_the_same_weights(
    trained, tmp_path, campaign, capsys
):
    run, store, training = trained
    expected = {name: value.clone() for name, value in training.model.state_dict().items()}
    good = tmp_path / "run/resume.prev.pt"
    content = load_checkpoint(good, {})
    assert content["epoch"] == 1
    path = tmp_path / "hostile/resume.pt"
    cases = hostile(content, path, good, str(tmp_path / "canary"))
    for name, put in chosen(cases, campaign.tries(push=10, nightly=999, release=999), MUST):
        path.parent.mkdir()
        put()
        try:
            found = train(run, copy.copy(store), path.parent).model.state_dict()
        except REFUSALS as error:
            outcome = "refused" if len(str(error)) < 2000 else "a long story"
        else:
            same = all(torch.equal(found[key], expected[key]) for key in expected)
            resumed = "resumes from epoch" in capsys.readouterr().err
            outcome = "other weights" if not same else "resumed" if resumed else "from the start"
        if name.startswith("optimizer"):  # a whole file with the digest of its numbers is believed
            outcome = outcome.replace("other weights", "resumed")
        assert outcome in ("refused", "resumed", "from the start"), (name, outcome)
        assert not (tmp_path / "canary").exists(), name
        shutil.rmtree(path.parent)
        campaign.count(outcome)
