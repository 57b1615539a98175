# modality -> one trained network per stream.


localrules:
    resolve_run,


rule resolve_run:
    """Write a run's settings down, so that changing one retrains this run alone."""
    output:
        f"{RUN}/config.yaml",
    log:
        paths.log("resolve_run", *RUN_NAMES),
    params:
        settings=of_run(arguments.as_argument),
    shell:
        "python -m protogcn resolve --settings {params.settings:q} --output {output} --log {log}"


rule train_stream:
    """Train one network on one modality; started again, it resumes after its last whole epoch."""
    input:
        config=of_run(inputs.settings_to_train),
        values=of_run(inputs.stored_values),
        clips=of_run(inputs.prepared_file, "clips.csv"),
        start=sources_of(f"{RUN}/checkpoint.pt", of_run(file_to_start_from, plan)),
        texts=sources_of(f"{RUN}/checkpoint.pt", of_run(inputs.texts_of)),
    output:
        checkpoint=f"{RUN}/checkpoint.pt",
        history=f"{RUN}/history.csv",
    log:
        paths.log("train_stream", *RUN_NAMES),
    benchmark:
        paths.benchmark("train_stream", *RUN_NAMES)
    threads: lambda wildcards: run_of(wildcards).cpu_cores
    resources:
        **needs("train"),
        gpu=lambda wildcards: run_of(wildcards).num_gpus,
        nodes=1,
        gpu_share=plan.trainings_per_gpu,
    shell:
        "python -m protogcn train --gpus {resources.gpu} --share {resources.gpu_share} --config {input.config}"
        " --values {input.values} --clips {input.clips} --checkpoint {output.checkpoint}"
        " --history {output.history} --log {log}"
