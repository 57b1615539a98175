# raw files (and poses) -> joints -> modalities, and a report of what is in them.


localrules:
    resolve_dataset,


rule resolve_dataset:
    """Write a dataset's settings down, so that changing one redoes this dataset alone."""
    output:
        f"{DATASET}/dataset.yaml",
    log:
        paths.log("resolve_dataset", "{dataset}"),
    params:
        settings=of_dataset(arguments.as_argument),
    shell:
        "python -m protogcn resolve --settings {params.settings:q} --output {output} --log {log}"


rule write_demo:
    """Simulate the raw files of the demo; the manifest comes last."""
    output:
        manifest=f"{DATASET}/raw.csv",
    log:
        paths.log("write_demo", "{dataset}"),
    threads: 2
    resources:
        mem_mb=2_000,
        runtime="30m",
    params:
        folder=f"{DATASET}/raw",
        simulate=lambda wildcards: plan.datasets[wildcards.dataset].simulate,
        format=lambda wildcards: plan.datasets[wildcards.dataset].simulate.get(
            "format", "skeletons"
        ),
        first_class=lambda wildcards: plan.datasets[wildcards.dataset].simulate.get(
            "first_class", 1
        ),
    shell:
        "python -m protogcn demo --folder {params.folder} --manifest {output.manifest}"
        " --seed {params.simulate[seed]} --subjects {params.simulate[subjects]}"
        " --replications {params.simulate[replications]} --classes {params.simulate[classes]}"
        " --first-class {params.first_class} --format {params.format} --workers {threads} --log {log}"


rule decompress_poses:
    """Read every kpfile once; when started again, only the shards that do not exist yet."""
    input:
        dataset=rules.resolve_dataset.output,
        raw=sources_of(f"{DATASET}/poses.csv", of_dataset(inputs.raw_files)),
    output:
        index=f"{DATASET}/poses.csv",
    log:
        paths.log("decompress_poses", "{dataset}"),
    benchmark:
        paths.benchmark("decompress_poses", "{dataset}")
    threads: 16
    resources:
        **needs("decompress"),
    params:
        shards=f"{DATASET}/shards",
    shell:
        "python -m protogcn decompress --dataset {input.dataset} --index {output.index}"
        " --shards {params.shards} --workers {threads} --log {log}"


rule read_joints:
    """Read a dataset's raw files and normalise them."""
    input:
        dataset=rules.resolve_dataset.output,
        raw=sources_of(f"{PREPARED}/joints.npy", of_dataset(inputs.files_of_joints)),
    output:
        joints=f"{PREPARED}/joints.npy",
        clips=f"{PREPARED}/clips.csv",
        dropped=f"{PREPARED}/dropped.csv",
    log:
        paths.log("read_joints", "{dataset}", "{preparation}"),
    benchmark:
        paths.benchmark("read_joints", "{dataset}", "{preparation}")
    threads: 16
    resources:
        **needs("read"),
    params:
        poses=lambda wildcards, input: (
            f"--poses {input.raw}" if plan.datasets[wildcards.dataset].kpfiles else ""
        ),
    shell:
        "python -m protogcn joints --dataset {input.dataset} --preparation {wildcards.preparation}"
        " {params.poses} --workers {threads} --joints {output.joints} --clips {output.clips}"
        " --dropped {output.dropped} --log {log}"


rule compute_modalities:
    """Write the six modalities of a dataset in one pass."""
    input:
        dataset=rules.resolve_dataset.output,
        joints=rules.read_joints.output.joints,
        clips=rules.read_joints.output.clips,
    output:
        **{modality: f"{PREPARED}/{modality}.npy" for modality in MODALITIES},
    log:
        paths.log("compute_modalities", "{dataset}", "{preparation}"),
    benchmark:
        paths.benchmark("compute_modalities", "{dataset}", "{preparation}")
    wildcard_constraints:
        dataset=names_of(MOTIONS_READ),
    threads: 6
    resources:
        **needs("compute"),
    params:
        outputs=lambda wildcards, output: [f"--{name} {path}" for name, path in output.items()],
    shell:
        "python -m protogcn modality --dataset {input.dataset} --joints {input.joints}"
        " --clips {input.clips} --workers {threads} {params.outputs} --log {log}"


use rule compute_modalities as compute_still_modalities with:
    output:
        **{modality: f"{PREPARED}/{modality}.npy" for modality in ("j", "b", "k")},
    wildcard_constraints:
        dataset=names_of(plan.datasets.keys() - MOTIONS_READ),


rule draw_dataset:
    """Count a dataset's clips and draw them: kept, left out, by class and by subject."""
    input:
        dataset=rules.resolve_dataset.output,
        joints=rules.read_joints.output.joints,
        clips=rules.read_joints.output.clips,
        dropped=rules.read_joints.output.dropped,
    output:
        table=f"{PREPARED}/report.csv",
        picture=f"{PREPARED}/report.png",
        manifest=f"{PREPARED}/report{MANIFEST}",
    log:
        paths.log("draw_dataset", "{dataset}", "{preparation}"),
    resources:
        mem_mb=4_000,
        runtime="30m",
    shell:
        "python -m protogcn draw_dataset --dataset {input.dataset} --joints {input.joints}"
        " --clips {input.clips} --dropped {input.dropped} --table {output.table}"
        " --picture {output.picture} --manifest {output.manifest} --log {log}"
