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
        raw=sources_of(f"{DATASET}/annotated.csv", of_dataset(inputs.raw_files)),
    output:
        clips=f"{DATASET}/annotated.csv",
    log:
        paths.log("list_clips", "{dataset}"),
    resources:
        **needs("read"),
    shell:
        "python -m protogcn list_clips --dataset {input.dataset} --clips {output.clips} --log {log}"


rule import_checkpoint:
    """Take a run's network from a third-party checkpoint instead of training it."""
    input:
        config=rules.resolve_run.output,
        source=sources_of(f"{RUN}/checkpoint.pt", of_run(inputs.imported_file, "checkpoint")),
    output:
        checkpoint=f"{RUN}/checkpoint.pt",
    log:
        paths.log("import_checkpoint", *RUN_NAMES),
    wildcard_constraints:
        dataset=names_of(plan.runs.importing("checkpoint")[0]),
        model=names_of(plan.runs.importing("checkpoint")[1]),
    shell:
        "python -m protogcn import_checkpoint --config {input.config} --source {input.source:q}"
        " --checkpoint {output.checkpoint} --log {log}"


rule import_scores:
    """Take a run's scores from a third-party file instead of training and scoring."""
    input:
        config=rules.resolve_run.output,
        source=sources_of(f"{RUN}/scores.npz", of_run(inputs.imported_file, "scores")),
        clips=of_run(inputs.clip_list_of),
    output:
        scores=f"{RUN}/scores.npz",
    log:
        paths.log("import_scores", *RUN_NAMES),
    wildcard_constraints:
        dataset=names_of(plan.runs.importing("scores")[0]),
        model=names_of(plan.runs.importing("scores")[1]),
    shell:
        "python -m protogcn import_scores --config {input.config} --source {input.source:q}"
        " --clips {input.clips:q} --scores {output.scores} --log {log}"
