"""Topics of the doorbell."""

DUE = "due"
"""Something may be due: the runner looks."""
ANSWERS = "answers"
"""A need may have been answered: those who wait look."""
