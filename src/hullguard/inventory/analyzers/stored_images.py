"""Images that lie in an image as files: what a cluster starts without a registry, or what was left behind.

They are no part of what runs from the image, and are not read with it; that they are there is said. Of a directory that
is scanned ``source/cargo.py`` says it, which can look at more of an archive than its beginning.
"""

from collections.abc import Iterator

from hullguard.inventory.analyzers.analyzer import Context, Files, Findings
from hullguard.inventory.analyzers.language import Doubt, LargeFileAnalyzer
from hullguard.inventory.random_access import RandomAccess
from hullguard.inventory.stored_images import LAYOUT, not_read

_USTAR = slice(257, 262)


class StoredImagesAnalyzer(LargeFileAnalyzer):
    """Layouts, and archives whose first member is one that programs begin an OCI image with.

    Docker's own form without an OCI layout begins with a digest, which no first bytes tell.
    """

    name, version = "stored-images", 1
    paths = rf"(?:.*/)?{LAYOUT}"
    magic = (b"blobs/\0", b"blobs/sha256/", b"oci-layout\0")
    images_only = True
    ownable = False
    form = "archive"

    def pieces(self, path: str, content: RandomAccess, budget: object = None) -> Iterator[Doubt]:
        del budget
        if path.rpartition("/")[2] == LAYOUT or bytes(content[_USTAR]) == b"ustar":
            yield Doubt(self.name)  # anything: that it is kept is what counts

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings(room=context.room)
        places = {path.rpartition("/")[0] for path, _ in files.matching(self.paths)}
        places.update(path for path, file in files.sniffed(self.name) if file.content)
        if places:
            findings.say("stored images", not_read(len(places), min(places) or "/"))
        return findings
