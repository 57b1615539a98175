"""The figures: files of earlier stages -> a picture, its caption and mostly its numbers.

Reading order: style, outputs, pose_lines, then a command for each figure. They alone import
matplotlib.
"""
