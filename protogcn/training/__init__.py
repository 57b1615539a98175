"""One modality -> one trained network, resumable.

In reading order: ``train`` (the command), ``start_from`` (weights that are there), ``epoch``,
``resume`` (the state between epochs), ``run_owner`` (only the last process to start writes),
``reporter`` (progress and history).
"""
