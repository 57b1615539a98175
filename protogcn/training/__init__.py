"""One modality -> one trained network, whatever stops it.

In reading order: ``train`` (the command), ``epoch``, ``resume`` (the state between epochs),
``run_owner`` (one process of all that try), ``reporter`` (progress and history).
"""
