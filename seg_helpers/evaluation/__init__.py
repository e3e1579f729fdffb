"""Evaluation: counts of frames, metrics from counts, prediction, speed, statistics."""
