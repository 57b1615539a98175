"""One modality -> one trained network, resumable.

In reading order: ``train`` (the command), ``start_from`` (weights that are there),
``further_losses`` (of the methods that stand on CTR-GCN), ``epoch``, ``schedule`` (learning rates),
``validation`` (the accuracy after it on a side of the split), ``resume`` (the state between
epochs), ``run_owner`` (only the last process to start writes), ``reporter`` (what others see of
it).
"""
