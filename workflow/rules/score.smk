# trained network -> its scores of the test clips.


rule score_stream:
    """Score every test clip of a task with one network."""
    input:
        config=rules.resolve_run.output,
        values=rules.train_stream.input.values,
        clips=rules.train_stream.input.clips,
        checkpoint="results/runs/{dataset}/{split}/{model}/{stream}/checkpoint.pt",
    output:
        scores="results/runs/{dataset}/{split}/{model}/{stream}/scores.npz",
    log:
        "results/logs/score_stream/{dataset}.{split}.{model}.{stream}.log",
    benchmark:
        "results/benchmarks/score_stream/{dataset}.{split}.{model}.{stream}.tsv"
    threads: lambda wildcards: run_of(wildcards).settings["cpu_threads"]
    resources:
        **needs("score"),
        gpu=lambda wildcards: min(1, gpus_of(run_of(wildcards))),
        nodes=1,
    shell:
        "python -m protogcn score --gpus {resources.gpu} --config {input.config} --values {input.values}"
        " --clips {input.clips} --checkpoint {input.checkpoint} --scores {output.scores}"
        " --log {log}"
