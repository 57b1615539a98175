"""A pickle or a checkpoint by others -> plain values and arrays; nothing in it runs.

In reading order: ``load``, ``stack_machine`` (the instructions), ``allowed_names``,
``numpy_arrays``, ``torch_file`` (the zip around a checkpoint), ``torch_tensors``.
"""
