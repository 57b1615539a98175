"""Tables, figures and scores -> one page that needs no network.

In reading order: ``report`` (the command), ``runs``, ``tables``, ``pictures``, ``render``.
"""
