"""How hypothesis looks for what breaks a law. The gate asks the same questions every time, so that what it says is about
the change; `make laws` asks others each time, and prints how to repeat what fails."""

from hypothesis import settings

settings.register_profile("gate", derandomize=True, database=None, print_blob=True)
settings.register_profile("search", derandomize=False, print_blob=True)
settings.load_profile("gate")
