# a third-party checkpoint or score file -> what a training and its scoring would have left.


# A rule that a run does not need asks for a file that nothing makes; Snakemake takes the other one.
ruleorder: import_checkpoint > train_stream
ruleorder: import_scores > score_stream


localrules:
    import_checkpoint,
    import_scores,


rule list_clips:
    """List a dataset's clips in the order of its annotations, also those that are left out."""
    input:
        dataset=rules.resolve_dataset.output,
        raw=raw_of,
    output:
        clips="results/data/{dataset}/annotated.csv",
    log:
        "results/logs/list_clips/{dataset}.log",
    resources:
        **needs("read"),
    shell:
        "python -m protogcn list_clips --dataset {input.dataset} --clips {output.clips}"
        " --log {log}"


rule import_checkpoint:
    """Take a run's network from a third-party checkpoint instead of training it."""
    input:
        config=rules.resolve_run.output,
        source=lambda wildcards: file_of(wildcards, "checkpoint"),
    output:
        checkpoint="results/runs/{dataset}/{split}/{model}/{stream}/checkpoint.pt",
    log:
        "results/logs/import_checkpoint/{dataset}.{split}.{model}.{stream}.log",
    wildcard_constraints:
        **importing("checkpoint"),
    shell:
        "python -m protogcn import_checkpoint --config {input.config} --source {input.source:q}"
        " --checkpoint {output.checkpoint}"
        " --log {log}"


rule import_scores:
    """Take a run's scores from a third-party file instead of training and scoring."""
    input:
        config=rules.resolve_run.output,
        source=lambda wildcards: file_of(wildcards, "scores"),
        clips=clip_list_of,
    output:
        scores="results/runs/{dataset}/{split}/{model}/{stream}/scores.npz",
    log:
        "results/logs/import_scores/{dataset}.{split}.{model}.{stream}.log",
    wildcard_constraints:
        **importing("scores"),
    shell:
        "python -m protogcn import_scores --config {input.config} --source {input.source:q}"
        " --clips {input.clips:q} --scores {output.scores}"
        " --log {log}"
