"""A stage on its machines -> GPUs of its own, memory and time, and a word on where it stands.

In reading order: ``bar`` and ``workers`` (progress and processes of one job), ``claim`` (GPUs),
``deadline`` (when the job ends), ``estimate`` (what to ask for), ``slurm``, ``alive`` (whether a
training still runs), ``earlier_jobs`` (what a killed Snakemake left behind), ``run_state``. The
command: ``status``.
"""
