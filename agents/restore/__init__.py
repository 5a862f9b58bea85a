"""Makes anew what was derived from the input topics: the log, alerts, cases, states. See `process.py`."""
