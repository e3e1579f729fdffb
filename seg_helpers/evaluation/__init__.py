"""Evaluation: confusion counts, metrics from counts, prediction, speed, statistics."""
