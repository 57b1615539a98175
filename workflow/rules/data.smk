# What is in a prepared dataset, for people.


rule report_data:
    """Count a dataset's clips and draw them: kept, left out, by class and by subject."""
    input:
        dataset=rules.resolve_dataset.output,
        joints=rules.read_joints.output.joints,
        clips=rules.read_joints.output.clips,
        dropped=rules.read_joints.output.dropped,
    output:
        table="results/data/{dataset}/{preparation}/report.csv",
        picture="results/data/{dataset}/{preparation}/report.png",
    log:
        "results/logs/report_data/{dataset}.{preparation}.log",
    resources:
        mem_mb=4_000,
        runtime="30m",
    shell:
        "python -m protogcn draw_dataset --dataset {input.dataset} --joints {input.joints}"
        " --clips {input.clips} --dropped {input.dropped} --table {output.table}"
        " --picture {output.picture}"
        " --log {log}"
