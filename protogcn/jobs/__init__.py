"""A job and its machine -> GPUs, memory, time, and the status of every run.

In reading order: ``bar`` and ``workers`` (progress and processes of one job), ``claim`` (GPUs),
``deadline`` (when the job ends), ``estimate`` (what to ask for), ``slurm``, ``alive`` (whether a
training still runs), ``earlier_jobs`` (what a killed Snakemake left behind), ``run_state``
(a run's status, from its files), ``states_table`` (many of them, to read), ``follow`` (again and
again). The command: ``status``.
"""
