# trained network -> its scores of the test clips, and of those that were held out.


rule score_stream:
    """Score every test clip of a task with one network."""
    input:
        config=rules.resolve_run.output,
        values=rules.train_stream.input.values,
        clips=rules.train_stream.input.clips,
        checkpoint=f"{RUN}/checkpoint.pt",
    output:
        scores=f"{RUN}/scores.npz",
    log:
        paths.log("score_stream", *RUN_NAMES),
    benchmark:
        paths.benchmark("score_stream", *RUN_NAMES)
    threads: lambda wildcards: run_of(wildcards).settings["cpu_threads"]
    resources:
        **needs("score"),
        gpu=lambda wildcards: min(1, run_of(wildcards).num_gpus),
        nodes=1,
        gpu_share=plan.trainings_per_gpu,
    shell:
        "python -m protogcn score --gpus {resources.gpu} --share {resources.gpu_share} --config {input.config} --values {input.values}"
        " --clips {input.clips} --checkpoint {input.checkpoint} --scores {output.scores} --log {log}"


rule score_held_out:
    """Score every clip that was held out from the training of one network."""
    input:
        config=rules.resolve_run.output,
        values=rules.train_stream.input.values,
        clips=rules.train_stream.input.clips,
        checkpoint=f"{RUN}/checkpoint.pt",
    output:
        scores=f"{RUN}/{paths.VAL_SCORES}",
    log:
        paths.log("score_held_out", *RUN_NAMES),
    threads: lambda wildcards: run_of(wildcards).settings["cpu_threads"]
    resources:
        **needs("score"),
        gpu=lambda wildcards: min(1, run_of(wildcards).num_gpus),
        nodes=1,
        gpu_share=plan.trainings_per_gpu,
    shell:
        "python -m protogcn score --side val --gpus {resources.gpu} --share {resources.gpu_share} --config {input.config}"
        " --values {input.values} --clips {input.clips} --checkpoint {input.checkpoint}"
        " --scores {output.scores} --log {log}"
