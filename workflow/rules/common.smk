# The plan behind the config, and what the rules ask of it.

import os.path
import shlex
import sys
from pathlib import Path

REPOSITORY = Path(workflow.current_basedir).parent.parent
sys.path.insert(0, str(REPOSITORY))

from protogcn.jobs import estimate
from protogcn.config.command_line import check_configfiles, check_folder, targets_asked
from protogcn.config.resolved import MODALITIES
from protogcn.config.load import own_config, plan_of_workflow
from protogcn.config import arguments, folds, inputs, learning
from protogcn.config.starts import file_to_start_from
from protogcn.errors import ConfigError, ContractError, places_in_reach, printable
from protogcn.jobs.earlier_jobs import left_behind
from protogcn.files import paths
from protogcn.files.manifest import ENDING as MANIFEST
from protogcn.files.sources import refuse_exchanged_sources
from protogcn.files.paths import DATASET, PREPARED, RUN
from protogcn.config.runs import STREAM
from protogcn.config.settings import PREPARATIONS
from protogcn.jobs.slurm import comment_of
from protogcn.config.strict_yaml import read_config
from protogcn.config.tables import resolve_tables
from protogcn.config.targets import page_of, targets_of
from protogcn.config.unknown_targets import check_length, unknown_target
from protogcn.config.variables import made_folder

RUN_NAMES = ("{dataset}", "{split}", "{model}", "{stream}")

# Jobs run with the Python that runs Snakemake and with this checkout's package, from any folder.
# Snakemake formats the prefix: braces of a folder's name are doubled.
PYTHON, PACKAGE = (
    shlex.quote(str(folder)).replace("{", "{{").replace("}", "}}")
    for folder in (Path(sys.executable).parent, REPOSITORY)
)
shell.prefix(
    f"export PATH={PYTHON}:$PATH"
    f" PYTHONPATH={PACKAGE}${{{{PYTHONPATH:+:$PYTHONPATH}}}}"
    # What torch compiles for one stream, all others of the same network find.
    ' TORCHINDUCTOR_CACHE_DIR="${{TORCHINDUCTOR_CACHE_DIR:-$PWD/results/compiled}}"'
    # It compiles on all cores that it may run on; a Slurm without control groups lets it run on
    # those of others, too.
    " ${{SLURM_CPUS_PER_TASK:+TORCHINDUCTOR_COMPILE_THREADS="
    "${{TORCHINDUCTOR_COMPILE_THREADS:-$SLURM_CPUS_PER_TASK}}}}; "
)


def asked(question, *names, **options):
    """Ask the package; what does not fit ends Snakemake in one sentence, not in a traceback."""
    try:
        with places_in_reach():
            return question(*names, **options)
    except (ConfigError, ContractError) as error:
        sys.exit(f"{type(error).__name__}: {printable(str(error))}")


asked(check_configfiles)
# The files that the command line names are merged already; the config goes before them.
OWN_CONFIG = asked(
    own_config, Path.cwd(), workflow.overwrite_configfiles, config, say=workflow.is_main_process
)
if OWN_CONFIG.exists():
    asked(read_config, OWN_CONFIG)


configfile: OWN_CONFIG


CONFIG_FILES = [Path(file).resolve() for file in workflow.configfiles]

if (
    workflow.overwrite_workdir is None  # --directory wins
    and isinstance(config.get("directory"), str)
    and config["directory"]
):

    workdir: asked(made_folder, config["directory"])


asked(check_folder, Path.cwd())
plan = asked(plan_of_workflow, config, OWN_CONFIG, CONFIG_FILES)


wildcard_constraints:
    dataset="|".join(plan.datasets),
    split="|".join(
        sorted({split for dataset in plan.datasets.values() for split in dataset.task_splits})
    ),
    task="|".join(dict.fromkeys(task for task, _ in plan.ensembles)),
    model="|".join(plan.models),
    stream=STREAM,
    modality="|".join(MODALITIES),
    ensemble="|".join(dict.fromkeys(ensemble for _, ensemble in plan.ensembles)),
    preparation="|".join(PREPARATIONS),


def run_of(wildcards):
    """The run that a path under results/runs names."""
    task = f"{wildcards.dataset}_{wildcards.split}"
    return asked(plan.run, task, wildcards.model, wildcards.stream)


def of_run(question, *arguments):
    """A function of wildcards that asks about their run."""
    return lambda wildcards: asked(question, run_of(wildcards), *arguments)


def of_dataset(question):
    """The same about their dataset."""
    return lambda wildcards: asked(question, plan.datasets[wildcards.dataset])


PRODUCTS_CHECKED = set()


def sources_of(product, question):
    """What a question names; refused if a product is of other files, and Snakemake cannot know.

    Snakemake compares dates, see ``protogcn/files/sources.py``.
    """

    def files(wildcards):
        found = question(wildcards)
        name = product.format(**dict(wildcards.items()))
        if workflow.is_main_process and name not in PRODUCTS_CHECKED:
            PRODUCTS_CHECKED.add(name)
            asked(refuse_exchanged_sources, Path(name))
        return found

    return files


def scheme_of(wildcards):
    """The ensemble that a table is of."""
    return asked(plan.ensemble, wildcards.task, wildcards.ensemble)


def needs(stage):
    """What the jobs of a stage ask for at each attempt: memory and minutes."""

    def need(wildcards, threads, attempt):
        if stage in ("train", "score"):
            return estimate.need_of_run(stage, run_of(wildcards), attempt)
        dataset = plan.datasets[wildcards.dataset]
        preparation = getattr(wildcards, "preparation", "raw")
        return estimate.need_of_dataset(stage, dataset, preparation, threads, attempt)

    return {
        "mem_mb": lambda wildcards, threads, attempt: need(wildcards, threads, attempt).memory,
        "runtime": lambda wildcards, threads, attempt: need(wildcards, threads, attempt).minutes,
    }


tables = asked(resolve_tables, config, plan)
targets = asked(targets_of, plan, tables)
# Datasets with a run that reads a file of motions. The others' motions are differences of crops,
# and half of their space on the disk is saved.
MOTIONS_READ = {name for name in plan.datasets if plan.runs.modalities_read(name) - {"j", "b", "k"}}


def of_table(question):
    """A function of wildcards that asks about their comparison table."""
    return lambda wildcards: asked(question, plan, tables[wildcards.table])


def names_of(datasets):
    """A pattern of these names; if there is none, of a name that no dataset can have."""
    return "|".join(sorted(datasets)) or "-"


def on_the_page():
    """What the config's report section asks for."""
    return asked(page_of, plan, targets, config.get("report"))


def scores_by(wildcards, model):
    """The score file of a task and a stream by one model."""
    return inputs.scores_of(asked(plan.run, wildcards.task, model, wildcards.stream))


def modalities_shown(wildcards):
    """The modalities that an animation shows."""
    return asked(inputs.modalities_shown, wildcards.dataset, wildcards.shown, MOTIONS_READ)


def figure_files(stem, category, *, has_table=True, **labels):
    """The files of a figure; Snakemake's own report shows the bitmap with its caption."""
    png = report(f"{stem}.png", caption="../report/figure.rst", category=category, labels=labels)
    table = {"table": f"{stem}.csv"} if has_table else {}
    others = {"pdf": f"{stem}.pdf", "caption": f"{stem}.txt", "manifest": f"{stem}{MANIFEST}"}
    return {"png": png, **others, **table}


def refuse_what_runs_already():
    """End Snakemake if Slurm still has jobs of an earlier one that this one would send again."""
    planned = [comment_of(job.name, job.wildcards) for job in workflow.dag.needrun_jobs()]
    to_slurm = workflow.executor_plugin.name == "slurm"
    if (sentence := left_behind(planned, Path.cwd(), to_slurm=to_slurm)) is not None:
        sys.exit(f"ConfigError: {printable(sentence)}")


def refuse_unknown_targets(folder):
    """End Snakemake if a target is nothing that a rule makes; the Snakefile in ``folder`` asks last.

    Included from another workflow, this one does not know all rules.
    """
    if Path(workflow.main_snakefile).parent != Path(folder) or not workflow.is_main_process:
        return
    kinds = {name: target.kind for name, target in targets.items()}
    for target in targets_asked():
        path = Path(target)
        asked(check_length, target)
        if workflow.is_rule(target) or any(made.is_producer(str(path)) for made in workflow.rules):
            continue
        if not os.path.exists(path) or path.suffix in (".yaml", ".yml"):
            sys.exit(f"ConfigError: {printable(unknown_target(target, plan, kinds))}")
