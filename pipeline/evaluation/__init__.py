"""Evaluation: scenarios, replay."""
