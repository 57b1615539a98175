# scores of several streams -> one table.


localrules:
    fuse_ensemble,
    learn_weights,
    tabulate_folds,
    compare_schemes,


rule learn_weights:
    """Learn the weights of an ensemble's streams on clips that no training saw."""
    input:
        scores=lambda wildcards: asked(
            learning.scores_to_learn_on, plan, wildcards.task, wildcards.ensemble
        ),
    output:
        learned=paths.result(paths.WEIGHTS, ".json"),
        manifest=paths.result(paths.WEIGHTS, MANIFEST),
    log:
        paths.log("learn_weights", "{task}", "{ensemble}"),
    params:
        learning=lambda wildcards: asked(
            learning.learning_arguments, plan, wildcards.task, wildcards.ensemble
        ),
    shell:
        "python -m protogcn learn_weights --scores {input.scores} {params.learning}"
        " --learned {output.learned} --manifest {output.manifest} --log {log}"


rule fuse_ensemble:
    """Fuse the streams of an ensemble: its table in three forms, its rows tested, its members."""
    input:
        scores=sources_of(
            paths.result(paths.ENSEMBLE, MANIFEST),
            lambda wildcards: asked(
                inputs.scores_of_ensemble, plan, wildcards.task, wildcards.ensemble
            ),
        ),
        weights=lambda wildcards: asked(
            learning.learned_weights_of_ensemble, plan, wildcards.task, wildcards.ensemble
        ),
    output:
        csv=report(
            paths.result(paths.ENSEMBLE, ".csv"),
            caption="../report/ensemble.rst",
            category="Ensembles",
            labels={"task": "{task}", "ensemble": "{ensemble}"},
        ),
        markdown=paths.result(paths.ENSEMBLE, ".md"),
        latex=paths.result(paths.ENSEMBLE, ".tex"),
        pairs=paths.result(paths.PAIRS_OF_ENSEMBLE, ".csv"),
        record=paths.result(paths.ENSEMBLE, ".json"),
        manifest=paths.result(paths.ENSEMBLE, MANIFEST),
    log:
        paths.log("fuse_ensemble", "{task}", "{ensemble}"),
    params:
        members=lambda wildcards: scheme_of(wildcards).arguments(wildcards.task),
        source=lambda wildcards: scheme_of(wildcards).source,
        tuned=lambda wildcards: "--tuned-on-test" if scheme_of(wildcards).tuned_on_test else "",
    shell:
        "python -m protogcn fuse --scores {input.scores} {params.members} {params.tuned}"
        " --ensemble {wildcards.ensemble} --source={params.source:q} --csv {output.csv}"
        " --markdown {output.markdown} --latex {output.latex} --pairs {output.pairs}"
        " --record {output.record} --manifest {output.manifest} --log {log}"


rule tabulate_folds:
    """Write one table over all folds of a task's training clips."""
    input:
        scores=lambda wildcards: asked(
            folds.scores_of_folds, plan, wildcards.task, wildcards.ensemble
        ),
    output:
        csv=paths.result(paths.FOLDS, ".csv"),
        markdown=paths.result(paths.FOLDS, ".md"),
        latex=paths.result(paths.FOLDS, ".tex"),
        manifest=paths.result(paths.FOLDS, MANIFEST),
    log:
        paths.log("tabulate_folds", "{task}", "{ensemble}"),
    params:
        members=lambda wildcards: asked(
            folds.fold_arguments, plan, wildcards.task, wildcards.ensemble
        ),
    shell:
        "python -m protogcn tabulate_folds --scores {input.scores} {params.members}"
        " --ensemble {wildcards.ensemble} --csv {output.csv} --markdown {output.markdown}"
        " --latex {output.latex} --manifest {output.manifest} --log {log}"


rule compare_schemes:
    """Fuse the streams of an ensemble as every method of Table 4 does, and by an oracle."""
    input:
        scores=rules.fuse_ensemble.input.scores,
        weights=rules.fuse_ensemble.input.weights,
    output:
        csv=report(
            paths.result(paths.SCHEMES, ".csv"),
            caption="../report/ensemble.rst",
            category="Ensembles",
            labels={"task": "{task}", "ensemble": "{ensemble}, schemes"},
        ),
        manifest=paths.result(paths.SCHEMES, MANIFEST),
    log:
        paths.log("compare_schemes", "{task}", "{ensemble}"),
    params:
        members=rules.fuse_ensemble.params.members,
        tuned=rules.fuse_ensemble.params.tuned,
    shell:
        "python -m protogcn compare_schemes --scores {input.scores} {params.members} {params.tuned}"
        " --ensemble {wildcards.ensemble} --csv {output.csv} --manifest {output.manifest}"
        " --log {log}"
