"""Measurements against rivals, side by side on one machine. Run by `make bench`, not by pytest."""
