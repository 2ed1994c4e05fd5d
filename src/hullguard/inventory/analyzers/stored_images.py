"""Images that lie in an image as files: what a cluster starts without a registry, or what was left behind.

They are no part of what runs from the image, and are not read with it; that they are there is said. Of a directory that
is scanned ``source/cargo.py`` says it.
"""

from hullguard.inventory.analyzers.analyzer import Analyzer, Context, Files, Findings
from hullguard.inventory.image_archives import ENDINGS, MANIFEST_HEAD, holds_image, may_be_archive
from hullguard.inventory.stored_images import LAYOUT, MANIFEST, TRANSPORT, is_docker_manifest, not_read

_INDEX = "index.json"
_VERSION = "version"
_DOCUMENTS = (LAYOUT, _INDEX, MANIFEST, _VERSION)
_IS_ONE = b"image"


class StoredImagesAnalyzer(Analyzer):
    """Archives by their first members; layouts, unpacked archives and skopeo's directories by the file that says it."""

    name, version = "stored-images", 3
    endings = (*ENDINGS, *_DOCUMENTS)
    images_only = True

    def begins(self, path: str, head: bytes, size: int) -> bytes:
        name = path.rpartition("/")[2]
        if name in _DOCUMENTS:
            is_one = _says_image(name, head[:MANIFEST_HEAD])
        else:
            there = min(size, len(head))
            is_one = may_be_archive(path, head) and holds_image(lambda count, at: head[at : at + count], there)
        return _IS_ONE if is_one else b""

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings(room=context.room)
        found = [path for path, file in files.sniffed(self.name) if file.content]
        places = {path.rpartition("/")[0] if path.rpartition("/")[2] in _DOCUMENTS else path for path in found}
        if places:
            findings.say("stored images", not_read(len(places), min(places) or "/"))
        return findings


def _says_image(name: str, head: bytes) -> bool:
    """Whether a file of this name that begins so stands beside the parts of an image."""
    says = {
        LAYOUT: True,
        _INDEX: b'"schemaVersion"' in head and b'"manifests"' in head,
        MANIFEST: is_docker_manifest(head),
        _VERSION: head.startswith(TRANSPORT),
    }
    return says[name]
