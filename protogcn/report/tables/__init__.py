"""Comparison tables: what the config asks for, our numbers, the paper's, Markdown and LaTeX."""
