"""Files of earlier stages -> a picture, its caption and mostly its numbers.

In reading order: ``style`` (one look for all), ``outputs`` (the files of a figure), ``pose_lines``,
then a command each: ``class_differences``, ``confusion``, ``streams``, ``worth`` (with
``worth_table``, its numbers, and ``worth_panels``, the picture), ``reliability``,
``learning_curves``, ``topology``, ``animation``, ``dataset``. Only this room imports matplotlib.
"""
