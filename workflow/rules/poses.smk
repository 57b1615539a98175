# Kinetics' compressed poses -> shards of plain ones.


rule decompress_poses:
    """Read every kpfile once; started again, it goes on with the shards that are not there yet."""
    input:
        dataset=rules.resolve_dataset.output,
        raw=raw_of,
    output:
        index="results/data/{dataset}/poses.csv",
    log:
        "results/logs/decompress_poses/{dataset}.log",
    benchmark:
        "results/benchmarks/decompress_poses/{dataset}.tsv"
    threads: 16
    resources:
        mem_mb=lambda wildcards, threads, attempt: need_to_decompress(
            wildcards, threads, attempt
        ).memory,
        runtime=lambda wildcards, threads, attempt: need_to_decompress(
            wildcards, threads, attempt
        ).minutes,
    params:
        shards="results/data/{dataset}/shards",
    shell:
        "python -m protogcn decompress --dataset {input.dataset} --index {output.index}"
        " --shards {params.shards} --workers {threads}"
        " --log {log}"
