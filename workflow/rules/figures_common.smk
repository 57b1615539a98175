# What the rules of figures.smk ask of the plan.

from protogcn.config.figure_names import check_figure_names

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
    """The runs of a model that the ensembles of a task fuse; imported ones had no training here."""
    return [
        run
        for run in plan.of_ensembles()
        if (run.task, run.model) == (wildcards.task, wildcards.model) and not is_imported(run)
    ]


def histories_of(wildcards):
    """The histories of a task's runs by one model."""
    runs = runs_trained(wildcards)
    if not runs:
        sys.exit(
            f"ConfigError: no ensemble of {wildcards.task} fuses runs of {wildcards.model} that are"
            " trained here."
        )
    return [scores_of(run).replace("scores.npz", "history.csv") for run in runs]


def figure_files(stem, category, **labels):
    """Bitmap, vector and caption of a figure; Snakemake's own report shows the first and the last."""
    return {
        "png": report(
            f"{stem}.png", caption="../report/figure.rst", category=category, labels=labels
        ),
        "pdf": f"{stem}.pdf",
        "caption": f"{stem}.txt",
    }


def modalities_shown(wildcards):
    """The modalities that an animation shows: one, or all that the dataset has a file of."""
    written = [
        modality
        for modality in MODALITIES
        if modality in ("j", "b", "k") or wildcards.dataset in MOTIONS_READ
    ]
    if wildcards.shown == "all":
        return written
    if wildcards.shown not in written:
        sys.exit(
            f"ConfigError: {wildcards.dataset} has no file of {wildcards.shown}, as its motions are"
            f" differences of sampled frames; there is {', '.join(written)} or all."
        )
    return [wildcards.shown]
