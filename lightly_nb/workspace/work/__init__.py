"""Scheduled runs, the queue, and the workers that take runs from it."""
