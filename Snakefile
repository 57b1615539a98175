# Plain `snakemake` starts here; the workflow itself is workflow/Snakefile.


include: "workflow/Snakefile"


rule demo:
    """The demo's tables: what `snakemake` makes when no target is named."""
    default_target: True
    input:
        rules.all.input,


refuse_unknown_targets(workflow.current_basedir)
