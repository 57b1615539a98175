"""Files of earlier stages -> a picture and its caption, a command each.

In reading order: ``style`` (one look for all), ``pose_lines``, ``class_differences``,
``confusion``, ``streams``, ``learning_curves``, ``topology``, ``animation``, ``dataset``.
"""
