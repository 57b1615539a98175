"""The parts of the results page: its tables, figures, runs and their comparison, and its look."""
