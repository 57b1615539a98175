"""A network and the test clips -> class scores, their fusion and comparison.

In reading order: ``scoring`` (of one network), ``fusion`` (the arithmetic of an ensemble),
``members`` (an ensemble's arguments), ``intervals`` (how sure an accuracy is), ``paired`` (two of
them on the same clips), ``repeats`` (noise of seeds),
``calibration`` (how far probabilities can be believed), ``learned_weights`` (without test labels),
``class_differences`` (of two models, class by class), ``complementarity`` (what each stream
brings). Other tools' scores:
``released_files`` (their formats), ``released_pickles``, ``released_scores`` (what is in them),
``spaces`` (probabilities or logits), ``order`` (which row is which clip). Commands: ``score``,
``import_scores``.
"""
