import dataclasses

import pytest

from protogcn.config.plan import expand
from protogcn.errors import ConfigError
from protogcn.jobs.shared_jobs import packs_of, rule_of, tell_jobs, told_to_job, trains
from tests.made.config import repository_config
from tests.made.nano import nano_run


def runs(*streams, **changes):
    found = []
    for stream in streams:
        modality, _, repeat = stream.partition("-")
        run = dataclasses.replace(nano_run(), modality=modality, repeat=int(repeat or 1))
        found.append(dataclasses.replace(run, **changes))
    return found


def streams_of(packs):
    return [[run.stream for run in pack] for pack in packs]


SIX = runs("j", "b", "jm", "bm", "k", "km")


@pytest.mark.parametrize(
    ("size", "packs"),
    [
        (1, []),
        (2, [["j", "b"], ["jm", "bm"], ["k", "km"]]),
        (4, [["j", "b", "jm", "bm"], ["k", "km"]]),
        (5, [["j", "b", "jm", "bm", "k"]]),  # km is alone: a job as any other
        (16, [["j", "b", "jm", "bm", "k", "km"]]),
    ],
)
def test_runs_are_packed_in_their_order(size, packs):
    assert streams_of(packs_of(SIX, size, SIX)) == packs


def test_run_gets_no_other_partner_when_its_own_is_trained():
    ready = [run for run in SIX if run.stream not in ("b", "km")]
    assert streams_of(packs_of(SIX, 2, ready)) == [["jm", "bm"]]
    assert streams_of(packs_of(SIX, 3, ready)) == [["j", "jm"], ["bm", "k"]]


def test_pack_is_of_one_task_and_model():
    first, other = runs("j", "b"), runs("j", "b", model="other")
    mixed = [first[0], other[0], first[1], other[1]]
    packs = packs_of(mixed, 2, mixed)
    assert streams_of(packs) == [["j", "b"], ["j", "b"]]
    assert [{run.model for run in pack} for pack in packs] == [{"protogcn"}, {"other"}]


def test_run_of_several_gpus_is_refused():
    two = nano_run(gpus=2)
    with pytest.raises(ConfigError, match=r"pack is 3, but run nano_xsub/protogcn/j wants 2 GPUs"):
        packs_of([*SIX, two], 3, [two])
    assert packs_of([*SIX, two], 1, [two]) == []


def test_rule_tells_which_runs_it_trains():
    rule = rule_of(runs("j", "km-2"))
    assert rule == "train_pack_nano_xsub_protogcn_j_km-2"
    assert [trains(f"rule_{rule}", run) for run in runs("j", "km", "km-2", "k")] == [
        True, False, True, False,
    ]  # fmt: skip
    assert not trains(f"rule_{rule}", runs("j", model="other")[0])
    assert not trains(f"rule_{rule_of(runs('j', 'b', model='protogcn_small'))}", runs("j")[0])


def test_jobs_are_told_the_packs_of_their_snakemake(monkeypatch):
    monkeypatch.delenv("PROTOGCN_PACKS", raising=False)
    plan = expand(repository_config())
    assert told_to_job(plan) is None
    monkeypatch.setenv("PROTOGCN_PACKS", "")
    packs = packs_of(plan.of_ensembles(), 4, plan.of_ensembles())
    tell_jobs(packs)
    assert told_to_job(plan) == packs


def test_comment_of_a_single_training_tells_its_run():
    comment = "rule_train_stream_wildcards_nano_xsub_protogcn_j"
    assert [trains(comment, run) for run in runs("j", "jm")] == [True, False]
    assert not trains("rule_score_stream_wildcards_nano_xsub_protogcn_j", runs("j")[0])
