"""What it means: pure functions of (state, event). No Faust, no clock, no network, no randomness."""
