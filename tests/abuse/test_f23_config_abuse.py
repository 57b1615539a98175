"""Configs that no person means: each is one sentence with its key or line, before any job."""

import copy
import random
import time

import pytest
import yaml

from protogcn.config.load import plan_of
from protogcn.errors import ConfigError, has_hidden
from tests.made.config import repository_config

TABLE = {
    "rows": "streams",
    "methods": {"ours": "protogcn"},
    "streams": {"J": "j"},
    "tasks": ["demo_xsub"],
}
DEEP = "x: " + "[" * 3000 + "]" * 3000
ALIASES = "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [{', '.join(f'*a{n - 1}' for _ in range(9))}]\n" for n in range(1, 12))  # fmt: skip
# The file on top, and what the message has to name: the key with its path, or the line.
WRONG = [
    ("train: {learning_rate: 1e-4}", "train.learning_rate"),
    ("train: {epochs: 010}", "line 1"),
    ("train: {epochs: 12:30:45}", "line 1"),
    ("train: {epochs: no}", "train.epochs"),
    ("train: {epochs: '5'}", "train.epochs"),
    ("train: {epochs: 0}", "train.epochs"),
    ("train: {epochs: -1}", "train.epochs"),
    ("train: {epochs: 1.5}", "train.epochs"),
    ("train: {epochs: null}", "train.epochs"),
    ("train: {epochs: [3]}", "train.epochs"),
    ("train: {learning_rate: 1e309}", "train.learning_rate"),
    ("train: {learning_rate: .inf}", "train.learning_rate"),
    ("train: {learning_rate: .nan}", "train.learning_rate"),
    ("train: {learning_rate: 0}", "train.learning_rate"),
    ("train: {momentum: 1}", "train.momentum"),
    (f"train: {{seed: {'9' * 5000}}}", "line 1"),
    ("train: {epochs: 3, epochs: 4}", "line 1"),
    ("train:\n  batch: 3\n  epochs: 3\n  batch: 4", "line 4"),
    ("train: {epoch: 3}", "did you mean 'epochs'?"),
    ("trian: {epochs: 3}", "did you mean 'train'?"),
    ("train: {lr: 0.1}", "learning_rate"),
    ("train: {gpus: [1]}", "engine.gpus"),
    ("train: {precision: float16}", "train.precision"),
    ("train", "expected keys and values"),
    ("- train", "expected keys and values"),
    ("", "holds no key"),
    ("\ttrain: 3", "line 1"),
    ("train: {epochs: 3", "line 1"),
    ("train: !!python/object/apply:os.system ['touch X']", "line 1"),
    ("train: !!binary '-'", "train: found"),
    ("train: &a {epochs: *a}", "line 1"),
    ("a: &a [*a]", "line 1"),
    (ALIASES, "values"),
    (DEEP, "too deep"),
    (f"datasets: {{x: {{classes: [{'a, ' * 250_000}]}}}}", "values"),
    (f"train: {{{', '.join(f'k{n}: 1' for n in range(60_000))}}}", "unknown key 'k0'"),
    ("datasets: {'../x': {skeleton: ntu25, splits: [a]}}", "file name"),
    ("datasets: {'$(touch X)': {skeleton: ntu25, splits: [a]}}", "file name"),
    ("datasets: {A: {skeleton: ntu25, splits: [a]}}", "file name"),
    ("datasets: {demo: {classes: [a]}}", "datasets.demo.classes"),
    ('datasets: {demo: {classes: ["a\\0", b]}}', "datasets.demo.classes"),
    ('tables: {table5: {methods: {"\\e[2J": protogcn}}}', "control or bidi"),
    ("datasets: {demo: {skeleton: ntu26}}", "did you mean 'ntu25'?"),
    ("datasets: {demo: {persons: 3}}", "datasets.demo.persons"),
    ("datasets: null", "datasets"),
    ("models: {protogcn: {width: 0}}", "models.protogcn.width"),
    ("models: {protogcn: {network: resnet}}", "models.protogcn.network"),
    ("ensembles: {6ens: {streams: {v: 1}}}", "ensembles.6ens.streams"),
    ("ensembles: {6ens: {streams: {j: 0}}}", "ensembles.6ens.streams.j"),
    ("ensembles: {6ens: {streams: {j-100: 1}}}", "j-100"),
    ("overrides: {x: {where: {dataset: none}, set: {epochs: 1}}}", "overrides.x.where.dataset"),
    ("overrides: {x: {where: {}, set: {epochs: 1}}}", "overrides.x.where"),
    ("overrides: {x: {where: {dataset: demo}, set: {scores: '{nothing}'}}}", "{nothing}"),
    ("overrides: {x: {where: {dataset: demo}, set: {start_from: '{{x}}'}}}", "start_from"),
    ("skeletons: {s: {joints: [a, b], parents: [1, 0]}}", "skeletons.s"),
    ("skeletons: {s: {joints: [], parents: []}}", "skeletons.s.joints"),
    ("directory: ''", "directory"),
]  # fmt: skip
ODD = (None, True, -1, 0, 1, 1e308, -1e-320, 2**70, "", "x", "{x}", "$(touch X)", "../..", "\u202e", "a\0b",
       [], {}, [[]], [None], {"x": {}}, {"": 1}, [1, "j"], "j", "010", 1.5)  # fmt: skip


def refused(tmp_path, text):
    """Return the sentence on a config; none if it is taken."""
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    start = time.process_time()
    try:
        plan_of(tmp_path, [tmp_path / "base.yaml", file])
    except ConfigError as error:
        return str(error)
    finally:
        assert time.process_time() - start < 30
    return None


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(small_config(), sort_keys=False))
    return tmp_path


def small_config():
    """Return the repository's config with one dataset, one network, one ensemble, one table."""
    config = repository_config()
    parts = {"datasets": "demo", "models": "protogcn", "ensembles": "6ens", "overrides": "demo"}
    small = {part: {name: config[part][name]} for part, name in parts.items()}
    whole = {part: config[part] for part in ("train", "engine")}
    return {**small, **whole, "tables": {"table5": TABLE}, "report": {"tasks": ["demo_xsub"]}}


def test_a_config_that_no_person_means_is_one_sentence_with_its_place(workplace, campaign):
    for text, place in WRONG[:: campaign.tries(push=3, nightly=1, release=1)]:
        sentence = refused(workplace, text)
        assert sentence is not None, text[:80]
        assert place in sentence, (text[:80], sentence[:300])
        assert len(sentence.splitlines()[0]) < 1000, text[:80]
        assert not (workplace / "X").exists()
        campaign.count("refused")


def test_an_odd_value_in_any_place_is_refused_or_is_a_plan(workplace, campaign):
    whole = small_config()
    assert refused_whole(workplace, whole) is None
    for seed in range(campaign.tries(push=5, nightly=300, release=5000)):
        generator = random.Random(seed)
        config = copy.deepcopy(whole)
        parent, key = generator.choice(list(_places(config)))
        parent[key] = copy.deepcopy(generator.choice(ODD))
        sentence = refused_whole(workplace, config)
        assert sentence is None or (sentence and not has_hidden(sentence.replace("\n", ""))), seed
        campaign.count("taken, as it is allowed" if sentence is None else "refused")


def refused_whole(tmp_path, config):
    """The same of a whole config, without another one below it."""
    file = tmp_path / "whole.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    try:
        plan_of(tmp_path, [file])
    except ConfigError as error:
        return str(error)
    return None


def _places(value):
    """Yield every list or map of a config with each of its keys."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])
