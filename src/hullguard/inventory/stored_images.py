"""How an image that is stored in files is known by a few of their bytes, whoever looks for one."""

MANIFEST = "manifest.json"
LAYOUT = "oci-layout"
TRANSPORT = b"Directory Transport Version: "
"""What begins ``version`` beside an image that skopeo or Podman wrote into a directory."""


def is_docker_manifest(content: bytes) -> bool:
    """Whether a ``manifest.json`` is that of a Docker archive: a list of objects with ``Config`` and ``Layers``.

    It need not be well formed. Whoever reads it says what is wrong with it, which is better than to see no image.
    """
    words = content.lower()  # engines take keys in any case
    return words.lstrip().startswith(b"[") and b'"config"' in words and b'"layers"' in words
