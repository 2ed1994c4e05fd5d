"""Every detector there is."""

from hullguard.detect.detectors.departure import Departure
from hullguard.detect.detectors.drop_and_execute import DropAndExecute
from hullguard.detect.detectors.interface import Detector
from hullguard.detect.detectors.read_sensitive import ReadSensitive
from hullguard.detect.detectors.terminal_shell import TerminalShell
from hullguard.model.detector import DetectorInfo

DETECTORS: tuple[Detector, ...] = (
    TerminalShell(),
    DropAndExecute(),
    ReadSensitive(),
    Departure(),
)

BY_ID: dict[str, Detector] = {detector.info.id: detector for detector in DETECTORS}


def catalog_info() -> tuple[DetectorInfo, ...]:
    """What the policy editor shows."""
    return tuple(detector.info for detector in DETECTORS)
