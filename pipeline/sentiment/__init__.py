"""Sentiment: the interface of a scorer, and the scorers."""
