"""A third-party pickle or checkpoint -> plain values and arrays; nothing in it runs.

In reading order: ``load``, ``unpickle``, ``stack_machine`` (its instructions), ``allowed_names``,
``numpy_arrays``, ``torch_file`` (the zip around a checkpoint), ``torch_tensors``,
``safetensors_file``.
"""
