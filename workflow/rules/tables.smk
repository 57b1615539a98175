# scores of many runs -> the comparison tables of the config.


wildcard_constraints:
    table=names_of(tables),


localrules:
    resolve_table,


rule resolve_table:
    """Write down which runs each cell of a comparison table is measured from."""
    output:
        paths.result("tables/{table}", ".yaml"),
    log:
        paths.log("resolve_table", "{table}"),
    params:
        settings=of_table(arguments.table_as_argument),
    shell:
        "python -m protogcn resolve --settings {params.settings:q} --output {output} --log {log}"


rule compare_runs:
    """Train what a comparison table needs, and write it beside the paper's numbers."""
    input:
        table=rules.resolve_table.output,
        scores=sources_of(paths.result("{table}", MANIFEST), of_table(inputs.scores_of_table)),
    output:
        csv=report(
            paths.result("{table}", ".csv"),
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
        markdown=paths.result("{table}", ".md"),
        latex=paths.result("{table}", ".tex"),
        pairs=paths.result(paths.PAIRS_OF_TABLE, ".csv"),
        manifest=paths.result("{table}", MANIFEST),
    log:
        paths.log("compare_runs", "{table}"),
    resources:
        mem_mb=4_000,
        runtime="30m",
    shell:
        "python -m protogcn tabulate --table {input.table} --scores {input.scores}"
        " --csv {output.csv} --markdown {output.markdown} --latex {output.latex}"
        " --pairs {output.pairs} --manifest {output.manifest} --log {log}"


rule compare_what_is_there:
    """Write a comparison table of the score files that exist, and train nothing."""
    input:
        table=rules.resolve_table.output,
    output:
        csv=paths.result("{table}", ".partial.csv"),
        markdown=paths.result("{table}", ".partial.md"),
        latex=paths.result("{table}", ".partial.tex"),
        pairs=paths.result(paths.PAIRS_OF_TABLE, ".partial.csv"),
        manifest=paths.result("{table}", f".partial{MANIFEST}"),
    log:
        paths.log("compare_what_is_there", "{table}"),
    resources:
        mem_mb=4_000,
        runtime="30m",
    params:
        scores=lambda wildcards: list(of_table(inputs.found_scores_of_table)(wildcards)),
        # New or newer score files change this, and so the table is made again.
        dates=of_table(inputs.found_scores_of_table),
    shell:
        "python -m protogcn tabulate --partial --table {input.table} --scores {params.scores}"
        " --csv {output.csv} --markdown {output.markdown} --latex {output.latex}"
        " --pairs {output.pairs} --manifest {output.manifest} --log {log}"
