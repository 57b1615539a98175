"""The figures, one module each: files of earlier stages in, a picture and its caption out.

These modules alone, with ``protogcn.style``, import matplotlib; nothing imports them.
"""
