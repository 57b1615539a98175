# scores of several streams -> one table.


localrules:
    fuse_ensemble,


rule fuse_ensemble:
    """Fuse the streams of an ensemble and write its table."""
    input:
        scores=lambda wildcards: [scores_of(run) for run in members_of(wildcards)],
    output:
        table=report(
            "results/{task}_{ensemble}.csv",
            caption="../report/ensemble.rst",
            category="Ensembles",
            labels={"task": "{task}", "ensemble": "{ensemble}"},
        ),
        record="results/{task}_{ensemble}.json",
    log:
        "results/logs/fuse_ensemble/{task}.{ensemble}.log",
    params:
        model=lambda wildcards: scheme_of(wildcards).model,
        streams=lambda wildcards: list(scheme_of(wildcards).streams.keys()),
        weights=lambda wildcards: list(scheme_of(wildcards).streams.values()),
        space=lambda wildcards: scheme_of(wildcards).space,
        tuned=lambda wildcards: "--tuned-on-test" if scheme_of(wildcards).tuned_on_test else "",
    shell:
        "python -m protogcn fuse --scores {input.scores} --streams {params.streams}"
        " --task {wildcards.task} --model {params.model} --weights {params.weights} --space {params.space} {params.tuned} --table {output.table}"
        " --record {output.record}"
        " --log {log}"
