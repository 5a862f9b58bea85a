"""The `cem` command line: one file per command."""
