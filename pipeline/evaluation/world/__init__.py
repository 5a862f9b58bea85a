"""Labelled worlds to measure detection on: who writes when about which unit, what is hidden in it, and the truth."""
