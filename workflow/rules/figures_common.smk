# What the rules of figures.smk ask of the plan.

from protogcn.figure_names import check_figure_names

asked(check_figure_names, plan)


def run_called(wildcards, model):
    """The run of a task and a stream by one model."""
    return asked(plan.run, wildcards.task, model, wildcards.stream)


def ensemble_arguments(wildcards):
    """What the fusing figures are told of an ensemble."""
    scheme = scheme_of(wildcards)
    streams, weights = scheme.streams.keys(), map(str, scheme.streams.values())
    return (
        f"--streams {' '.join(streams)} --weights {' '.join(weights)} --space {scheme.space}"
        f" --task {wildcards.task} --model {scheme.model}"
    )


def runs_trained(wildcards):
    """The runs of a model that the ensembles of a task fuse, and that nobody made elsewhere."""
    runs = [
        run
        for run in plan.of_ensembles()
        if (run.task, run.model) == (wildcards.task, wildcards.model)
        and not any(key in run.settings for key in IMPORTS)
    ]
    if not runs:
        sys.exit(
            f"ConfigError: no ensemble of {wildcards.task} fuses runs of {wildcards.model} that are"
            " trained here."
        )
    return runs


def beside_scores(wildcards, name):
    """A file of the directory of each of a task's runs by one model."""
    return [scores_of(run).replace("scores.npz", name) for run in runs_trained(wildcards)]


def figure_files(stem, rule_caption, category, **labels):
    """Bitmap, vector and caption of a figure, the bitmap in Snakemake's own report."""
    return {
        "png": report(
            f"{stem}.png", caption=f"../report/{rule_caption}.rst", category=category, labels=labels
        ),
        "pdf": f"{stem}.pdf",
        "caption": f"{stem}.txt",
    }


def figures_of(dataset):
    """The figures of a dataset's ensembles and trainings."""
    members = {names: plan.members(*names) for names in plan.ensembles}
    ours = {names: runs for names, runs in members.items() if runs[0].dataset.name == dataset}
    trained = {(run.task, run.model) for runs in ours.values() for run in runs}
    return [
        *(f"results/{t}_{e}_{kind}.png" for t, e in ours for kind in ("confusion", "streams")),
        *(f"results/{task}_{model}_learning_curves.png" for task, model in sorted(trained)),
    ]


def modalities_shown(wildcards):
    """The modalities that an animation shows."""
    return list(MODALITIES) if wildcards.shown == "all" else [wildcards.shown]
