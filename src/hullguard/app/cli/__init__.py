"""The command line: one file per sub-command, ``main`` puts them together.

Starting is most of what a short command costs. So, before anything else is loaded, objects that only point at each
other are looked for less often: among modules and reports there are few, and to look for them every 700 objects, as
Python does, took a fifteenth of a second scan. ``main`` sets that right for what runs for long.
"""

import gc
from typing import Final

OFTEN: Final = 700
RARELY: Final = 20_000

gc.set_threshold(RARELY)
