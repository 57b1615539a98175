# The plan behind the config, and what the rules ask of it.

import json
import shlex
import sys
from pathlib import Path

REPOSITORY = Path(workflow.current_basedir).parent.parent
sys.path.insert(0, str(REPOSITORY))

from protogcn import estimate
from protogcn.config import MODALITIES
from protogcn.datasets import missing_raw
from protogcn.errors import ConfigError
from protogcn.orphans import comment_of, left_behind
from protogcn.plan import load_plan
from protogcn.runs import STREAM
from protogcn.tables.resolve import common_recipe, digests_of, resolve_tables

# Jobs run with the Python that runs Snakemake and with this checkout's package, from any folder.
shell.prefix(
    f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"
    f" PYTHONPATH={shlex.quote(str(REPOSITORY))}${{{{PYTHONPATH:+:$PYTHONPATH}}}}; "
)

try:
    plan = load_plan(
        config,
        REPOSITORY / "workflow/schemas/config.schema.yaml",
        [Path(file) for file in workflow.configfiles],
    )
except ConfigError as error:
    sys.exit(f"ConfigError: {error}")


wildcard_constraints:
    dataset="|".join(plan.datasets),
    split="|".join(
        sorted({split for dataset in plan.datasets.values() for split in dataset.splits})
    ),
    task="|".join(sorted({task for task, _ in plan.ensembles})),
    model="|".join(plan.models),
    stream=STREAM,
    modality="|".join(MODALITIES),
    ensemble="|".join(sorted({ensemble for _, ensemble in plan.ensembles})),
    preparation="centred|aligned|raw",


def asked(question, *names):
    """Ask the plan; what it does not have ends Snakemake before the job graph.

    An exception would be buried in a traceback.
    """
    try:
        return question(*names)
    except ConfigError as error:
        sys.exit(f"ConfigError: {error}")


def run_of(wildcards):
    """The run that a path under results/runs names."""
    task = f"{wildcards.dataset}_{wildcards.split}"
    return asked(plan.run, task, wildcards.model, wildcards.stream)


def as_json(entry):
    """Resolved settings as a command-line argument."""
    return json.dumps(entry.to_mapping(), ensure_ascii=False)


def prepared(wildcards, name):
    """A file of the prepared dataset that a run reads."""
    run = run_of(wildcards)
    return f"results/data/{run.dataset.name}/{run.settings['preparation']}/{name}"


def train_threads(run):
    """The CPU cores of a training: one process for each GPU."""
    return run.settings["gpus"] * run.settings["cpu_threads"]


def train_command(run):
    """What starts a training: torchrun where it has several GPUs, in the job's one task."""
    gpus, threads = run.settings["gpus"], run.settings["cpu_threads"]
    if gpus == 1:
        return "python -m protogcn.train"
    # Snakemake exports all threads of the job, which are those of all processes together.
    return (
        f"env OMP_NUM_THREADS={threads} python -m protogcn.torchrun --standalone"
        f" --nproc-per-node={gpus} -m protogcn.train"
    )


def gpus_of(wildcards):
    """How many GPUs a run's training asks for."""
    settings = run_of(wildcards).settings
    return 0 if settings["device"] == "cpu" else settings["gpus"]


def size_for(wildcards):
    """The size of the dataset that a run reads."""
    run = run_of(wildcards)
    return estimate.size_of(run.dataset, run.split, Path(prepared(wildcards, "clips.csv")))


def need_to_train(wildcards):
    """Memory and minutes of a training."""
    return estimate.to_train(run_of(wildcards), size_for(wildcards))


def need_to_score(wildcards):
    """Memory and minutes of a scoring."""
    return estimate.to_score(run_of(wildcards), size_for(wildcards))


def size_prepared(wildcards):
    """The size of a prepared dataset."""
    dataset = plan.datasets[wildcards.dataset]
    clips = f"results/data/{dataset.name}/{wildcards.preparation}/clips.csv"
    return estimate.size_of(dataset, dataset.splits[0], Path(clips))


def need_to_read(wildcards, workers):
    """Memory and minutes of reading a dataset."""
    dataset = plan.datasets[wildcards.dataset]
    return estimate.to_read(dataset, size_prepared(wildcards), workers)


def need_to_compute(wildcards, workers):
    """Memory and minutes of writing a dataset's modalities."""
    dataset = plan.datasets[wildcards.dataset]
    return estimate.to_compute(dataset, size_prepared(wildcards), workers)


def scheme_of(wildcards):
    """The ensemble that a table is of."""
    return asked(plan.ensemble, wildcards.task, wildcards.ensemble)


def members_of(wildcards):
    """The runs that a table fuses."""
    return asked(plan.members, wildcards.task, wildcards.ensemble)


def scores_of(run):
    """The score file of a run."""
    return f"results/runs/{run.dataset.name}/{run.split}/{run.model}/{run.stream}/scores.npz"


def tables_of(dataset):
    """The tables of every ensemble of a dataset."""
    return [
        f"results/{task}_{ensemble}.csv"
        for (task, ensemble), scheme in plan.ensembles.items()
        if any(run.dataset.name == dataset for run in plan.members(task, ensemble))
    ]


tables = asked(resolve_tables, config, plan)


def wanted_by_table(wildcards):
    """The score files that a whole comparison table needs."""
    return [scores_of(asked(plan.run, *names)) for names in tables[wildcards.table].runs]


def found_for_table(wildcards):
    """Those of them that are there, without asking Snakemake to make or renew any."""
    known = [names for names in tables[wildcards.table].runs if names in plan.runs]
    paths = [Path(scores_of(asked(plan.run, *names))) for names in known]
    return [path.as_posix() for path in paths if path.exists()]


def table_as_json(wildcards):
    """A resolved comparison table as a command-line argument."""
    table = tables[wildcards.table]
    entry = {
        **table.to_mapping(),
        "recipe": asked(common_recipe, table, plan) if table.same_recipe else {},
        "digests": asked(digests_of, table, plan),
    }
    return json.dumps(entry, ensure_ascii=False)


def raw_of(wildcards):
    """The raw files of a dataset; the demo's are there once their manifest is."""
    dataset = plan.datasets[wildcards.dataset]
    if dataset.simulate is not None:
        return f"results/data/{dataset.name}/raw.csv"
    if (sentence := missing_raw(dataset)) is not None:
        sys.exit(f"ConfigError: {sentence}")
    return dataset.raw


def refuse_what_runs_already():
    """End Snakemake if Slurm still has jobs of an earlier one that this one would send again."""
    planned = [comment_of(job.name, job.wildcards) for job in workflow.dag.needrun_jobs()]
    if (sentence := left_behind(planned, Path.cwd())) is not None:
        sys.exit(f"ConfigError: {sentence}")
