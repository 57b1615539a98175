"""A trained ensemble and a recording -> class probabilities.

In reading order: ``ensemble`` (the networks), ``recordings`` (files and live input), ``windows``,
``fitting`` (to their unit), ``pieces``, ``recognise``. Commands: ``predict``, ``export``.
"""
