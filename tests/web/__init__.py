"""The console, tried from outside."""
