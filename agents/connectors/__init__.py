"""Connectors: files today, networks later."""
