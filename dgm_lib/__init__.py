"""The library of the course: laws with a known truth, models, training, plots, demos, exercises."""
