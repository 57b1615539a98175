# modality -> one trained network per stream.


localrules:
    resolve_run,


rule resolve_run:
    """Write a run's settings down, so that changing one retrains this run alone."""
    output:
        "results/runs/{dataset}/{split}/{model}/{stream}/config.yaml",
    log:
        "results/logs/resolve_run/{dataset}.{split}.{model}.{stream}.log",
    params:
        settings=lambda wildcards: as_json(run_of(wildcards)),
    shell:
        "python -m protogcn resolve --settings {params.settings:q} --output {output}" " --log {log}"


rule train_stream:
    """Train one network on one modality; it goes on from its last whole epoch."""
    input:
        config=config_to_train,
        values=lambda wildcards: prepared(wildcards, f"{run_of(wildcards).stored_modality}.npy"),
        clips=lambda wildcards: prepared(wildcards, "clips.csv"),
    output:
        checkpoint="results/runs/{dataset}/{split}/{model}/{stream}/checkpoint.pt",
        history="results/runs/{dataset}/{split}/{model}/{stream}/history.csv",
    log:
        "results/logs/train_stream/{dataset}.{split}.{model}.{stream}.log",
    benchmark:
        "results/benchmarks/train_stream/{dataset}.{split}.{model}.{stream}.tsv"
    threads: lambda wildcards: train_threads(run_of(wildcards))
    resources:
        **needs("train"),
        gpu=lambda wildcards: gpus_of(run_of(wildcards)),
        nodes=1,
    shell:
        "python -m protogcn train --gpus {resources.gpu} --config {input.config}"
        " --values {input.values} --clips {input.clips} --checkpoint {output.checkpoint}"
        " --history {output.history}"
        " --log {log}"
