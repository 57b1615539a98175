"""Tables, figures and scores -> the results page, one html file that needs no network.

In reading order: ``report`` (the command), ``runs``, ``tables``, ``pictures``, ``render``.
"""
