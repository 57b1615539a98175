# scores, histories, networks and clips -> figures, each with its caption.


localrules:
    draw_class_differences,
    draw_confusion,
    draw_confusion_of_run,
    draw_learning_curves,
    draw_reliability,


rule draw_class_differences:
    """Draw how much better each class is by one model than by another: the paper's Figure 1."""
    input:
        scores=lambda wildcards: scores_by(wildcards, wildcards.model),
        baseline=lambda wildcards: scores_by(wildcards, wildcards.baseline),
    output:
        **figure_files(
            paths.result(paths.CLASS_DIFFERENCES),
            "Class by class",
            task="{task}",
            stream="{stream}",
            models="{model} against {baseline}",
        ),
    log:
        paths.log("draw_class_differences", "{task}", "{stream}", "{model}", "{baseline}"),
    wildcard_constraints:
        baseline="|".join(plan.models),
    shell:
        "python -m protogcn draw_class_differences --scores {input.scores}"
        " --baseline-scores {input.baseline} --task {wildcards.task} --stream {wildcards.stream}"
        " --model {wildcards.model} --baseline {wildcards.baseline} --table {output.table}"
        " --figures {output.png} {output.pdf} --caption {output.caption}"
        " --manifest {output.manifest} --log {log}"


rule draw_confusion:
    """Draw which classes an ensemble takes for which."""
    input:
        scores=rules.fuse_ensemble.input.scores,
        weights=rules.fuse_ensemble.input.weights,
    output:
        **figure_files(
            paths.result(paths.CONFUSION), "Confusions", task="{task}", scores="{ensemble}"
        ),
    log:
        paths.log("draw_confusion", "{task}", "{ensemble}"),
    params:
        members=rules.fuse_ensemble.params.members,
    shell:
        "python -m protogcn draw_confusion --scores {input.scores} {params.members}"
        " --name '{wildcards.ensemble} on {wildcards.task}' --table {output.table}"
        " --figures {output.png} {output.pdf} --caption {output.caption}"
        " --manifest {output.manifest} --log {log}"


rule draw_confusion_of_run:
    """Draw which classes one stream takes for which."""
    input:
        scores=rules.score_stream.output.scores,
    output:
        **figure_files(
            f"{RUN}/confusion", "Confusions", task="{dataset}_{split}", scores="{model}, {stream}"
        ),
    log:
        paths.log("draw_confusion_of_run", *RUN_NAMES),
    shell:
        "python -m protogcn draw_confusion --scores {input.scores}"
        " --streams {wildcards.stream} --weights 1 --model {wildcards.model}"
        " --task {wildcards.dataset}_{wildcards.split}"
        " --name '{wildcards.model}, stream {wildcards.stream}, on {wildcards.dataset}_{wildcards.split}'"
        " --table {output.table} --figures {output.png} {output.pdf} --caption {output.caption}"
        " --manifest {output.manifest} --log {log}"


rule draw_reliability:
    """Draw how often an ensemble is right by its probability, before and after temperature."""
    input:
        scores=rules.fuse_ensemble.input.scores,
        weights=rules.fuse_ensemble.input.weights,
    output:
        **figure_files(
            paths.result(paths.RELIABILITY), "Calibration", task="{task}", scores="{ensemble}"
        ),
    log:
        paths.log("draw_reliability", "{task}", "{ensemble}"),
    params:
        members=rules.fuse_ensemble.params.members,
    shell:
        "python -m protogcn draw_reliability --scores {input.scores} {params.members}"
        " --name '{wildcards.ensemble} on {wildcards.task}' --table {output.table}"
        " --figures {output.png} {output.pdf} --caption {output.caption}"
        " --manifest {output.manifest} --log {log}"


rule draw_streams:
    """Draw the accuracy of an ensemble against the number of streams fused."""
    input:
        scores=rules.fuse_ensemble.input.scores,
        weights=rules.fuse_ensemble.input.weights,
    output:
        **figure_files(paths.result(paths.STREAMS), "Streams", task="{task}", ensemble="{ensemble}"),
    log:
        paths.log("draw_streams", "{task}", "{ensemble}"),
    resources:
        mem_mb=8_000,
        runtime="60m",
    params:
        members=rules.fuse_ensemble.params.members,
    shell:
        "python -m protogcn draw_streams --scores {input.scores} {params.members}"
        " --name '{wildcards.ensemble} on {wildcards.task}' --table {output.table}"
        " --figures {output.png} {output.pdf} --caption {output.caption}"
        " --manifest {output.manifest} --log {log}"


rule draw_worth:
    """Draw what each stream of an ensemble brings, and what it costs."""
    input:
        scores=rules.fuse_ensemble.input.scores,
        weights=rules.fuse_ensemble.input.weights,
        val_scores=lambda wildcards: asked(
            learning.scores_to_choose_on, plan, wildcards.task, wildcards.ensemble
        ),
        histories=lambda wildcards: asked(
            inputs.histories_of_ensemble, plan, wildcards.task, wildcards.ensemble
        ),
    output:
        **figure_files(paths.result(paths.WORTH), "Worth", task="{task}", ensemble="{ensemble}"),
    log:
        paths.log("draw_worth", "{task}", "{ensemble}"),
    resources:
        mem_mb=8_000,
        runtime="60m",
    params:
        members=rules.fuse_ensemble.params.members,
    shell:
        "python -m protogcn draw_worth --scores {input.scores} {params.members}"
        " --val-scores {input.val_scores} --histories {input.histories}"
        " --name '{wildcards.ensemble} on {wildcards.task}' --table {output.table}"
        " --figures {output.png} {output.pdf} --caption {output.caption}"
        " --manifest {output.manifest} --log {log}"


rule draw_learning_curves:
    """Draw losses and accuracies of all trainings of a task by one model."""
    input:
        histories=lambda wildcards: asked(
            inputs.histories_of, plan, wildcards.task, wildcards.model
        ),
    output:
        **figure_files(
            paths.result(paths.LEARNING_CURVES),
            "Trainings",
            has_table=False,
            task="{task}",
            model="{model}",
        ),
    log:
        paths.log("draw_learning_curves", "{task}", "{model}"),
    params:
        streams=lambda wildcards, input: [Path(path).parent.name for path in input.histories],
    shell:
        "python -m protogcn draw_learning_curves --histories {input.histories}"
        " --streams {params.streams} --name '{wildcards.model} on {wildcards.task}'"
        " --figures {output.png} {output.pdf} --caption {output.caption}"
        " --manifest {output.manifest} --log {log}"


rule draw_topology:
    """Draw the topology that a network learned, as one clip moves it, and the rebuilt one."""
    input:
        config=rules.resolve_run.output,
        values=rules.train_stream.input.values,
        clips=rules.train_stream.input.clips,
        checkpoint=rules.train_stream.output.checkpoint,
    output:
        **figure_files(
            f"{RUN}/topology/{{clip}}",
            "Topologies",
            task="{dataset}_{split}",
            run="{model}, {stream}",
            clip="{clip}",
        ),
    log:
        paths.log("draw_topology", *RUN_NAMES, "{clip}"),
    wildcard_constraints:
        clip=paths.CLIP,
    resources:
        mem_mb=4_000,
        runtime="30m",
    shell:
        "python -m protogcn draw_topology --config {input.config} --values {input.values}"
        " --clips {input.clips} --checkpoint {input.checkpoint} --clip={wildcards.clip:q}"
        " --table {output.table:q} --figures {output.png:q} {output.pdf:q}"
        " --caption {output.caption:q}"
        " --manifest {output.manifest:q} --log {log:q}"


rule draw_animation:
    """Draw one clip moving in one modality, or in all."""
    input:
        dataset=rules.resolve_dataset.output,
        joints=f"{PREPARED}/j.npy",
        values=lambda wildcards: [
            f"{paths.prepared(wildcards.dataset, wildcards.preparation)}/{modality}.npy"
            for modality in modalities_shown(wildcards)
        ],
        clips=rules.read_joints.output.clips,
    output:
        **figure_files(
            f"{PREPARED}/clips/{{clip}}_{{shown}}",
            "Clips",
            has_table=False,
            dataset="{dataset}",
            clip="{clip}",
            modality="{shown}",
        ),
        animation=f"{PREPARED}/clips/{{clip}}_{{shown}}.gif",
    log:
        paths.log("draw_animation", "{dataset}", "{preparation}", "{clip}", "{shown}"),
    wildcard_constraints:
        clip=paths.CLIP,
        shown="|".join([*MODALITIES, "all"]),
    resources:
        mem_mb=4_000,
        runtime="30m",
    params:
        modalities=modalities_shown,
    shell:
        "python -m protogcn draw_animation --dataset {input.dataset}"
        " --preparation {wildcards.preparation} --joints {input.joints} --values {input.values}"
        " --modalities {params.modalities} --clips {input.clips} --clip={wildcards.clip:q}"
        " --animation {output.animation:q} --figures {output.png:q} {output.pdf:q}"
        " --caption {output.caption:q}"
        " --manifest {output.manifest:q} --log {log:q}"
