"""Detectors, one per file, behind one interface."""
