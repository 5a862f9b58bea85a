"""Shapes of the outside world -> records. Pure mapping; reading files and sockets is in agents/."""
