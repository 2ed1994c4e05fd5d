"""Every command that this agent obeys."""

from hullguard.agent.commands.detect_now import DetectNow
from hullguard.agent.commands.interface import Handler
from hullguard.agent.commands.respond import EVERY_RESPONSE
from hullguard.agent.commands.scan_now import ScanNow
from hullguard.agent.commands.update_agent import UpdateAgent
from hullguard.agent.commands.update_policy import UpdatePolicy

COMMANDS: tuple[Handler, ...] = (
    ScanNow(),
    DetectNow(),
    UpdatePolicy(),
    UpdateAgent(),
    *EVERY_RESPONSE,
)

BY_KIND = {handler.kind: handler for handler in COMMANDS}
