# tables, figures and scores -> one page.


localrules:
    write_report,


rule write_report:
    """Write the page with every table, figure and run that the config's report section names."""
    input:
        tables=lambda wildcards: [paths.result(name, ".csv") for name in on_the_page().tables],
        figures=lambda wildcards: [paths.result(name, ".png") for name in on_the_page().figures],
        captions=lambda wildcards: [paths.result(name, ".txt") for name in on_the_page().figures],
        scores=lambda wildcards: [inputs.scores_of(run) for run in on_the_page().runs],
        dag=inputs.as_input(REPOSITORY / "docs/dag.svg"),
    output:
        page=report(paths.result("report.html"), caption="../report/page.rst", category="Page"),
        manifest=paths.result("report", MANIFEST),
    log:
        paths.log("write_report", "page"),
    params:
        table_runs=lambda wildcards: asked(arguments.runs_as_argument, on_the_page(), targets),
    shell:
        "python -m protogcn report --tables {input.tables:q} --figures {input.figures:q}"
        " --captions {input.captions:q} --scores {input.scores} --table-runs {params.table_runs:q}"
        " --dag {input.dag:q} --page {output.page} --manifest {output.manifest}"
        " --log {log}"
