"""Training: losses, schedules, stages, the loop and its checkpoints; handed an evaluation function."""
