"""Alerts: identity, lifecycle, severity."""
