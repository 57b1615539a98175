"""A trained ensemble and a recording -> what it shows, with probabilities.

In reading order: ``ensemble`` (the networks), ``recordings`` (files and live input), ``windows``,
``recognise``. Commands: ``predict``, ``export``.
"""
