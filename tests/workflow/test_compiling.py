"""What the jobs of the workflow tell torch's compiler."""

from tests.made.warm_snakemake import run_snakemake
from tests.workflow.conftest import BASE, NANO, REPOSITORY

SNAKEFILE = f"""
include: "{REPOSITORY}/workflow/rules/common.smk"

rule ask:
    output: "told.txt"
    shell: "echo $TORCHINDUCTOR_COMPILE_THREADS $TORCHINDUCTOR_CACHE_DIR > {{output}}"
"""


def test_as_many_processes_compile_as_a_job_of_slurm_has_cores(tmp_path, monkeypatch):
    for name in ("TORCHINDUCTOR_COMPILE_THREADS", "TORCHINDUCTOR_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    arguments = ["--cores", "4", "ask", "--configfile", str(BASE), str(NANO)]
    output = tmp_path / "output.txt"
    assert run_snakemake(arguments, cwd=tmp_path, output=output, timeout=60) == 0, (
        output.read_text()
    )
    assert (tmp_path / "told.txt").read_text() == f"3 {tmp_path}/results/compiled\n"
