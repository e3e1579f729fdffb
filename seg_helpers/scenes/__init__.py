"""Painters of generated scenes: pictures and the class of each of their pixels, made from a seed.

`road` and `soccer` each have `CLASSES` (what the label indices mean), `plan_frames` and `draw_frames`. They know
nothing of files or of the rest of the package.
"""
