"""The door of image scanning: an image in, a report out."""

from msgspec import structs

from hullguard import inventory as images
from hullguard.advisories.database import Advisories
from hullguard.advisories.match import Matched
from hullguard.inventory import LayerCache, Limits, Progress
from hullguard.inventory.source.ahead import Ahead
from hullguard.inventory.source.opened import RegistryAccess
from hullguard.model.content import LicenseUse
from hullguard.model.inventory import Inventory
from hullguard.model.package import Unknown
from hullguard.model.report import AdvisoryState, ReportedPackage, ScanReport

NO_ADVISORIES = Unknown("vulnerabilities", "there is no advisory database; make one with `hullguard db update`")


class Scanner:
    """Answers one question: what is wrong with this image?

    Without advisories it knows what is inside, and says that nobody knows what is wrong with it.
    """

    def __init__(self, advisories: Advisories | None) -> None:
        self._advisories = advisories

    def scan(
        self,
        target: str,
        *,
        limits: Limits | None = None,
        cache: LayerCache | None = None,
        docker_host: str | None = None,
        platform: str | None = None,
        progress: Progress | None = None,
        scanners: frozenset[str] = frozenset(),
        registry: RegistryAccess | None = None,
        all_mounts: bool = False,
        licenses: bool = True,
        processes: int = 1,
        ahead: Ahead | None = None,
    ) -> ScanReport:
        """Reads an image and reports on it; blocks, so servers call it in a thread.

        ``scanners`` names what else to look for beside packages: ``secret``, ``malware``, ``config``. ``licenses``:
        whether to report on licences, for which files are read that tell nothing else.
        """
        inventory = images.read(
            target,
            limits=limits,
            cache=cache,
            docker_host=docker_host,
            platform=platform,
            progress=progress,
            scanners=scanners,
            registry=registry,
            all_mounts=all_mounts,
            licenses=licenses,
            processes=processes,
            ahead=ahead,
        )
        return self.report(inventory, licenses=licenses)

    def report(self, inventory: Inventory, *, licenses: bool = True) -> ScanReport:
        """Reports on an inventory that was taken before, here or on a node; on its licences only where asked to."""
        matched = self._match(inventory)
        declared, undeclared = _licenses(inventory) if licenses else ((), ())
        return ScanReport(
            target=inventory.target,
            os=inventory.os,
            layers=inventory.layers,
            packages=tuple(map(ReportedPackage.of, inventory.packages)),
            vulnerabilities=matched.vulnerabilities,
            unknowns=(*matched.unknowns, *undeclared),
            advisories=AdvisoryState(None) if self._advisories is None else self._advisories.state,
            complete=inventory.complete and not any(unknown.incomplete for unknown in matched.unknowns),
            secrets=inventory.secrets,
            malware=inventory.malware,
            config=inventory.config,
            licenses=declared,
            suppressed=matched.suppressed,
        )

    def _match(self, inventory: Inventory) -> Matched:
        if self._advisories is None:
            return Matched((), (), (*inventory.unknowns, NO_ADVISORIES))
        return self._advisories.match(inventory)


def _licenses(inventory: Inventory) -> tuple[tuple[LicenseUse, ...], tuple[Unknown, ...]]:
    from hullguard.imagescan.licenses import undeclared, uses

    unsaid = undeclared(inventory.packages)
    return uses(inventory.packages), () if unsaid is None else (unsaid,)


def bill(inventory: Inventory) -> ScanReport:
    """What is inside, for formats that list parts; nobody asked what is wrong with them."""
    report = Scanner(None).report(inventory)
    return structs.replace(report, unknowns=inventory.unknowns)
