"""The YAML -> the datasets, runs, ensembles, tables and targets that it describes.

In reading order: ``resolved`` (what a stage reads of a dataset and a run), ``strict_yaml``,
``load`` (the files, merged as Snakemake merges them), ``schema`` (what a value may be),
``written`` (the same of what a stage reads), ``variables`` (``~`` and ``$SCRATCH`` in paths),
``joint_tree``, ``skeleton``, ``hold_out`` (twins of splits), ``datasets`` (missing raw files, too),
``parts`` and ``trunk`` (of the body),
``options`` (settings that not every run has), ``settings`` (which ones go together), ``imports``
(runs that are not trained here), ``start_from`` (trainings that begin with weights), ``validation``
(the sides of its split that a training is measured on), ``runs`` (overrides), ``members`` (of an
ensemble), ``ensembles``, ``plan`` (all of it), ``starts`` (runs that start from others), ``recipe``
(whether two runs are trained alike), ``cells`` (what a table wants), ``taken_names`` (what it
cannot be called), ``tables``, ``targets`` (what a user may ask for), ``unknown_targets`` (and what
is nearest to what nothing makes), ``command_line`` (what Snakemake was asked for), ``learning``
(what weights are learned on), ``folds``, ``inputs`` (the files that each rule reads), ``arguments``
(settings as a rule passes them on). ``facts`` holds what papers state. The commands: ``resolve``,
``make``.
"""
