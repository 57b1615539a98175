"""A network and the test clips -> class scores; several fused, two compared.

In reading order: ``scoring`` (of a network), ``fusion`` (the arithmetic of an ensemble),
``members`` (those on a command line), ``class_differences`` (of two models), ``released_files``
(other tools' formats). Commands: ``score``, ``import_scores``.
"""
