"""Images that lie in an image as files: what a cluster starts without a registry, or what was left behind.

They are no part of what runs from the image, and are not read with it; that they are there is said. Of a directory that
is scanned ``source/cargo.py`` says it.
"""

from hullguard.inventory.analyzers.analyzer import Analyzer, Context, Files, Findings
from hullguard.inventory.image_archives import ENDINGS, MANIFEST_HEAD, holds_image, may_be_archive
from hullguard.inventory.stored_images import LAYOUT, MANIFEST, TRANSPORT, is_docker_manifest, not_read

_INDEX = "index.json"
_VERSION = "version"
_IS_ONE = b"image"


class StoredImagesAnalyzer(Analyzer):
    """Archives by their first members; layouts, unpacked archives and skopeo's directories by the file that says it."""

    name, version = "stored-images", 2
    paths = rf"(?:.*/)?(?:{LAYOUT}|{_INDEX}|{MANIFEST}|{_VERSION})".replace(".json", r"\.json")
    endings = ENDINGS
    images_only = True

    def condense(self, path: str, content: bytes) -> bytes:
        name, head = path.rpartition("/")[2], content[:MANIFEST_HEAD]
        says = {
            LAYOUT: True,
            _INDEX: b'"schemaVersion"' in head and b'"manifests"' in head,
            MANIFEST: is_docker_manifest(head),
            _VERSION: head.startswith(TRANSPORT),
        }
        return _IS_ONE if says.get(name, False) else b""

    def begins(self, path: str, head: bytes, size: int) -> bytes:
        if not may_be_archive(path, head):
            return b""
        return _IS_ONE if holds_image(lambda count, at: head[at : at + count], min(size, len(head))) else b""

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings(room=context.room)
        places = {path.rpartition("/")[0] for path, file in files.matching(self.paths) if file.content}
        places.update(path for path, file in files.sniffed(self.name) if file.content)
        if places:
            findings.say("stored images", not_read(len(places), min(places) or "/"))
        return findings
