"""The figures, one module each: files of earlier stages in, a picture and its caption out.

These modules alone import matplotlib; nothing imports them.
"""
