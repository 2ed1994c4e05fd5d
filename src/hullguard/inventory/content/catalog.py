"""Every inspector of file content."""

from hullguard.inventory.content.inspector import Inspector
from hullguard.inventory.content.malware.inspector import MalwareInspector
from hullguard.inventory.content.modes import ModeInspector
from hullguard.inventory.content.secrets.inspector import SecretInspector

INSPECTORS: tuple[Inspector, ...] = (SecretInspector(), MalwareInspector(), ModeInspector())
