"""What all tests share: how hypothesis looks for what breaks a law, and which clocks of the world count.

The gate asks the same questions every time, so that what it says is about the change; `make laws` asks others each
time, and prints how to repeat what fails.
"""

import zoneinfo

from hypothesis import settings

settings.register_profile("gate", derandomize=True, database=None, print_blob=True, deadline=None)
settings.register_profile("search", derandomize=False, print_blob=True, deadline=None)
settings.load_profile("gate")

zoneinfo.reset_tzpath(to=())  # what is known of zones is the package's, as in `pipeline/local_time.py`
