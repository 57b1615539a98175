# modality -> several trained networks from one job, if `pack` is above 1. Stands before the other
# rules: Snakemake looks at what the profile sets once, at the first rule.
#
# Only history.csv is not declared: without it Snakemake has no provenance of a run's training, and
# so no reason to train it again when the packs are others the next time. A run that has a network
# is train_stream's.

from snakemake.io import IOFile


def packed_runs():
    """The runs of each pack, chosen once: the jobs read this file again when some have ended."""
    if not workflow.is_main_process and (packs := told_to_job(plan)) is not None:
        return packs
    size, runs = config["pack"], [run for run in plan.of_ensembles() if not is_imported(run)]
    ready = to_pack(runs, Path(), now=time.time()) if size > 1 else []
    packs = asked(packs_of, runs, size, ready)
    tell_jobs(packs)
    return packs


def profile_of_packs(packs):
    """What the profile sets for train_stream, but memory, for the rule of each pack too."""
    given = workflow.resource_settings.overwrite_resources
    of_one = given.get("train_stream", {})
    of_pack = {name: value for name, value in of_one.items() if not name.startswith("mem")}
    return {rule_of(pack): type(of_one)(of_pack) for pack in packs} | dict(given)


def need_of_pack(pack, attempt):
    """Memory and minutes of a pack's trainings."""
    in_turn = any(gpus_of(run) for run in pack)
    needs = [estimate.to_train(run, size_for(run)) for run in pack]
    return estimate.together(needs, in_turn=in_turn).at(attempt_of(pack, attempt))


def forget_earlier_trainings():
    """Remove what Snakemake keeps of earlier trainings of the runs that packs are to train.

    Provenance of their histories and dates of their benchmarks would make it train them again.
    """
    planned = {job.name for job in workflow.dag.needrun_jobs()}
    for run in (run for pack in packs if rule_of(pack) in planned for run in pack):
        workflow.persistence.cleanup_metadata(IOFile(f"{run.folder}/history.csv"))
        log = Path(run.log("train_stream"))
        Path(f"results/benchmarks/train_stream/{log.stem}.tsv").unlink(missing_ok=True)


packs = packed_runs()
workflow.resource_settings.overwrite_resources = profile_of_packs(packs)

for pack in packs:

    rule:
        """Train several networks on one GPU; each goes on from its last whole epoch."""
        name:
            rule_of(pack)
        input:
            config=[f"{run.folder}/config.yaml" for run in pack],
            values=[data_of(run, f"{run.values}.npy") for run in pack],
            clips=[data_of(run, "clips.csv") for run in pack],
        output:
            checkpoint=[f"{run.folder}/checkpoint.pt" for run in pack],
        log:
            f"results/logs/train_pack/{rule_of(pack)}.log",
        benchmark:
            f"results/benchmarks/train_pack/{rule_of(pack)}.tsv"
        threads: sum(train_threads(run) for run in pack)
        resources:
            gpu=max(gpus_of(run) for run in pack),
            nodes=1,
            mem_mb=lambda wildcards, attempt, pack=pack: need_of_pack(pack, attempt).memory,
            runtime=lambda wildcards, attempt, pack=pack: need_of_pack(pack, attempt).minutes,
        params:
            history=[f"{run.folder}/history.csv" for run in pack],
            log=[run.log("train_stream") for run in pack],
        shell:
            "python -m protogcn.jobs.claim --gpus {resources.gpu}"
            " python -m protogcn.jobs.train_together --config {input.config} --values {input.values}"
            " --clips {input.clips} --checkpoint {output.checkpoint}"
            " --history {params.history} --log {params.log}"
            " --log {log}"
