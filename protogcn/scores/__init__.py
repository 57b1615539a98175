"""A network and the test clips -> class scores, their fusion and comparison.

In reading order: ``scoring`` (of one network), ``fusion`` (the arithmetic of an ensemble),
``members`` (an ensemble's arguments), ``class_differences`` (of two models), ``released_files``
(other tools' formats). Commands: ``score``, ``import_scores``.
"""
