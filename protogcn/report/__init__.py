"""Scores, histories and networks -> tables, figures and one page.

Rooms: ``tables``, ``figures``, ``page``, ``provenance``.
"""
