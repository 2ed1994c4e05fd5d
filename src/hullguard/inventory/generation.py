"""Which generation the readers of this release are of.

Alone in its module, because an agent tells it and loads no reader.
"""

from typing import Final

READER: Final = 1
"""It grows whenever the same image could come out otherwise than before: an analyzer or an inspector has another
version, or what is made of what they kept changed. Inventories say by which generation they were made, so that those of
an older one are made again after an upgrade. ``tests/meta/test_reader_generation.py`` holds the versions that belong to
it.

0 is what said no number: a reader from before they were counted.
"""
