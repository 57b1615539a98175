# The plan behind the config, and what the rules ask of it.

import json
import shlex
import sys
from pathlib import Path

REPOSITORY = Path(workflow.current_basedir).parent.parent
sys.path.insert(0, str(REPOSITORY))

from protogcn.jobs import estimate
from protogcn.config.resolved import MODALITIES
from protogcn.config.load import put_in_order
from protogcn.config.datasets import missing_raw
from protogcn.errors import ConfigError
from protogcn.config.imports import is_imported, missing_import
from protogcn.jobs.earlier_jobs import left_behind
from protogcn.config.plan import load_plan
from protogcn.files import paths
from protogcn.files.paths import DATASET, PREPARED, RUN
from protogcn.files.progress import handed_over
from protogcn.config.runs import STREAM
from protogcn.jobs.slurm import comment_of
from protogcn.config.tables import request_of, resolve_tables
from protogcn.config.targets import page_of, targets_of

# Jobs run with the Python that runs Snakemake and with this checkout's package, from any folder.
shell.prefix(
    f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"
    f" PYTHONPATH={shlex.quote(str(REPOSITORY))}${{{{PYTHONPATH:+:$PYTHONPATH}}}}; "
)

try:
    put_in_order(config, OWN_CONFIG)
    plan = load_plan(
        config,
        REPOSITORY / "workflow/schemas/config.schema.yaml",
        CONFIG_FILES,
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
    return data_of(run_of(wildcards), name)


def data_of(run, name):
    """The same for a run."""
    return f"{paths.prepared(run.dataset.name, run.settings['preparation'])}/{name}"


def train_threads(run):
    """The CPU cores of a training: one process for each GPU."""
    return run.engine["gpus"] * run.settings["cpu_threads"]


def gpus_of(run):
    """How many GPUs a run's training asks for."""
    return 0 if run.engine["device"] == "cpu" else run.engine["gpus"]


def needs(stage):
    """What the jobs of a stage ask for at each attempt: memory and minutes."""

    def need(wildcards, threads, attempt):
        if stage in ("train", "score"):
            run = run_of(wildcards)
            size = estimate.size_of(run.dataset, run.split, Path(data_of(run, "clips.csv")))
            if stage == "train" and handed_over(Path(run.folder)):
                attempt = 1  # the last one ended in time
            return estimate.resources(stage, run.dataset, size, run=run).at(attempt)
        dataset = plan.datasets[wildcards.dataset]
        preparation = getattr(wildcards, "preparation", "raw")
        clips = Path(paths.prepared(dataset.name, preparation), "clips.csv")
        size = estimate.size_of(dataset, dataset.splits[0], clips)
        return estimate.resources(stage, dataset, size, workers=threads).at(attempt)

    return {
        "mem_mb": lambda wildcards, threads, attempt: need(wildcards, threads, attempt).memory,
        "runtime": lambda wildcards, threads, attempt: need(wildcards, threads, attempt).minutes,
    }


def scheme_of(wildcards):
    """The ensemble that a table is of."""
    return asked(plan.ensemble, wildcards.task, wildcards.ensemble)


def members_of(wildcards):
    """The runs that a table fuses."""
    return asked(plan.members, wildcards.task, wildcards.ensemble)


def scores_of(run):
    """The score file of a run."""
    return f"{run.folder}/scores.npz"


def scores_by(model, wildcards):
    """The score file of a task and a stream by one model."""
    return scores_of(asked(plan.run, wildcards.task, model, wildcards.stream))


def members_as_arguments(wildcards):
    """The members of an ensemble as command-line arguments."""
    scheme = scheme_of(wildcards)
    weights = map(str, scheme.streams.values())
    return (
        f"--streams {' '.join(scheme.streams)} --weights {' '.join(weights)}"
        f" --space {scheme.space} --task {wildcards.task} --model {scheme.model}"
    )


def tables_of(dataset):
    """The tables of every ensemble of a dataset."""
    return [
        f"results/{task}_{ensemble}.csv"
        for (task, ensemble), scheme in plan.ensembles.items()
        if any(run.dataset.name == dataset for run in plan.members(task, ensemble))
    ]


tables = asked(resolve_tables, config, plan)
targets = asked(targets_of, plan, tables)


def wanted_by_table(wildcards):
    """The score files that a whole comparison table needs."""
    return [scores_of(asked(plan.run, *names)) for names in tables[wildcards.table].runs]


def found_for_table(wildcards):
    """Those of them that exist, without asking Snakemake to make or renew any."""
    known = [names for names in tables[wildcards.table].runs if names in plan.runs]
    paths = [Path(scores_of(asked(plan.run, *names))) for names in known]
    return [path.as_posix() for path in paths if path.exists()]


def table_as_json(wildcards):
    """A resolved comparison table as a command-line argument."""
    return json.dumps(asked(request_of, tables[wildcards.table], plan), ensure_ascii=False)


# Datasets with a run that reads a file of motions. The others' motions are differences of crops,
# and half of their space on the disk is saved.
MOTIONS_READ = {name for name in plan.datasets if plan.runs.modalities_read(name) - {"j", "b", "k"}}


def names_of(datasets):
    """A pattern of these names; if there is none, of a name that no dataset can have."""
    return "|".join(sorted(datasets)) or "-"


def joints_come_from(wildcards):
    """What the joints of a dataset are read from: its raw files, or decompressed poses."""
    if plan.datasets[wildcards.dataset].kpfiles is not None:
        return f"{paths.of_dataset(wildcards.dataset)}/poses.csv"
    return raw_of(wildcards)


def on_the_page():
    """What the config's report section asks for."""
    return asked(page_of, plan, targets, config.get("report"))


def runs_of_tables():
    """For the name of each table on the page those of the runs that it is made of."""
    known = {name: targets[name].runs for name in on_the_page().tables if name in targets}
    return {name: [plan.run(*run).name for run in runs] for name, runs in known.items()}


def raw_of(wildcards):
    """The raw files of a dataset; the demo's exist once their manifest does."""
    dataset = plan.datasets[wildcards.dataset]
    if dataset.simulate is not None:
        return f"{paths.of_dataset(dataset.name)}/raw.csv"
    if (sentence := missing_raw(dataset)) is not None:
        sys.exit(f"ConfigError: {sentence}")
    if dataset.is_annotated_folder:  # its date does not change when the table does
        return [dataset.raw, f"{dataset.raw}/annotations.csv"]
    return dataset.raw


def file_of(wildcards, key):
    """The file that a run's checkpoint or scores are imported from."""
    run = run_of(wildcards)
    if key not in run.settings:
        return not_made(run, f"no {key} to import")
    if (sentence := missing_import(run, key)) is not None:
        sys.exit(f"ConfigError: {sentence}")
    return run.settings[key]


def config_to_train(wildcards):
    """The settings of a run that this pipeline trains."""
    run = run_of(wildcards)
    if "checkpoint" in run.settings:
        return not_made(run, "no training, as its checkpoint is imported")
    return f"{run.folder}/config.yaml"


def importing(key):
    """Constraints of the rule that imports a run's checkpoint or scores."""
    datasets, models = plan.runs.importing(key)
    return {"dataset": names_of(datasets), "model": names_of(models)}


def not_made(run, why):
    """A file that no rule makes, so that Snakemake takes the other rule that makes the same output."""
    return f"{run.folder}/{why}"


def clip_list_of(wildcards):
    """The clips whose scores a file has: a run's own list, or all that its dataset has."""
    run = run_of(wildcards)
    if "scores" not in run.settings:
        return []
    if "clips" in run.settings:
        return file_of(wildcards, "clips")
    if run.dataset.is_pickle:
        return f"{paths.of_dataset(run.dataset.name)}/annotated.csv"
    return prepared(wildcards, "clips.csv")


def trained(wildcards):
    """The runs of a model that the ensembles of a task fuse and that this pipeline trains."""
    runs = [
        run
        for run in plan.of_ensembles()
        if (run.task, run.model) == (wildcards.task, wildcards.model) and not is_imported(run)
    ]
    if not runs:
        sys.exit(
            f"ConfigError: no ensemble of {wildcards.task} fuses runs of {wildcards.model} that are"
            " trained by this pipeline."
        )
    return runs


def modalities_shown(wildcards):
    """The modalities that an animation shows: one, or all that the dataset has a file of."""
    motions = ("jm", "bm", "km") if wildcards.dataset in MOTIONS_READ else ()
    written = [name for name in MODALITIES if name in ("j", "b", "k", *motions)]
    if wildcards.shown == "all":
        return written
    if wildcards.shown not in written:
        sys.exit(
            f"ConfigError: {wildcards.dataset} has no file of {wildcards.shown}, as its motions are"
            f" differences of sampled frames; expected one of {', '.join(written)} or all."
        )
    return [wildcards.shown]


def figure_files(stem, category, *, has_table=True, **labels):
    """The files of a figure; Snakemake's own report shows the bitmap with its caption."""
    png = report(f"{stem}.png", caption="../report/figure.rst", category=category, labels=labels)
    table = {"table": f"{stem}.csv"} if has_table else {}
    return {"png": png, "pdf": f"{stem}.pdf", "caption": f"{stem}.txt", **table}


def refuse_what_runs_already():
    """End Snakemake if Slurm still has jobs of an earlier one that this one would send again."""
    planned = [comment_of(job.name, job.wildcards) for job in workflow.dag.needrun_jobs()]
    to_slurm = workflow.executor_plugin.name == "slurm"
    if (sentence := left_behind(planned, Path.cwd(), to_slurm=to_slurm)) is not None:
        sys.exit(f"ConfigError: {sentence}")
