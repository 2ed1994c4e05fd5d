"""Every bound of the protocol, in one place, because both ends must agree on them."""

PROTOCOL = 1
"""Grows when an old peer would misunderstand; new optional fields do not change it."""

FRAME_BYTES = 1 << 20
"""One WebSocket message. What is larger is compressed or split."""

BODY_BYTES = 4 << 20
"""One message once decompressed: what a frame may cost its receiver."""

COMPRESS_FROM_BYTES = 4 << 10
"""Below this, compressing costs more than it saves."""

WINDOW_MESSAGES = 64
WINDOW_BYTES = 2 * BODY_BYTES
"""What an agent may have under way, unfinished by the server. At least one largest message must fit."""

BATCH_OBSERVATIONS = 256
BATCH_TALLIES = 128
CONTAINERS = 4096
IMAGES = 4096
READERS = 1 << 31
"""Generations of readers."""

USED_FILES = 2048
USED_PATH = 512
USED_BYTES = 256 << 10
"""What is said of one image's files in use."""

PART_BYTES = 512 << 10
"""One slice of an inventory or of an agent bundle."""

INVENTORY_COMPRESSED_BYTES = 16 << 20
INVENTORY_BYTES = 64 << 20
INVENTORY_PARTS = INVENTORY_COMPRESSED_BYTES // PART_BYTES

BUNDLE_BYTES = 64 << 20
BUNDLE_FILES = 4096
BUNDLE_UNPACKED_BYTES = 512 << 20
MANIFEST_BYTES = 1 << 20

ZSTD_WINDOW_BYTES = 8 << 20
"""The most memory that a foreign zstd frame may ask its decoder for."""
