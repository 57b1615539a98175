# trained network -> its scores of the test clips.


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
