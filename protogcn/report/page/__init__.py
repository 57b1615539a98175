"""Tables, figures and scores -> the results page, one html file that works offline.

In reading order: ``report`` (the command), ``runs``, ``tables``, ``pictures``, ``render``.
"""
