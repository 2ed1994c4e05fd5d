"""MITRE ATT&CK: what an attacker is after with a technique.

From the matrix for enterprises (attack.mitre.org, version 17). A technique that serves several tactics stands under
the one that it serves in a container; a sub-technique (``T1059.004``) serves what its technique does.
"""

import enum
from typing import Final


class Tactic(enum.StrEnum):
    """In the order in which an attack usually reaches them."""

    INITIAL_ACCESS = "initial-access"
    EXECUTION = "execution"
    PERSISTENCE = "persistence"
    PRIVILEGE_ESCALATION = "privilege-escalation"
    DEFENSE_EVASION = "defense-evasion"
    CREDENTIAL_ACCESS = "credential-access"
    DISCOVERY = "discovery"
    LATERAL_MOVEMENT = "lateral-movement"
    COLLECTION = "collection"
    COMMAND_AND_CONTROL = "command-and-control"
    EXFILTRATION = "exfiltration"
    IMPACT = "impact"


_TECHNIQUES: Final = {
    Tactic.INITIAL_ACCESS: "T1078 T1133 T1190 T1195 T1199",
    Tactic.EXECUTION: "T1059 T1106 T1129 T1203 T1204 T1569 T1609 T1610",
    Tactic.PERSISTENCE: "T1037 T1053 T1098 T1136 T1505 T1525 T1543 T1546 T1547 T1554 T1574",
    Tactic.PRIVILEGE_ESCALATION: "T1068 T1134 T1548 T1611",
    Tactic.DEFENSE_EVASION: (
        "T1006 T1014 T1027 T1036 T1055 T1070 T1112 T1140 T1211 T1218 T1222 T1480 T1497 T1562 T1564 "
        "T1601 T1612 T1620 T1622"
    ),
    Tactic.CREDENTIAL_ACCESS: (
        "T1003 T1040 T1110 T1111 T1187 T1212 T1528 T1539 T1552 T1555 T1556 T1557 T1558 T1606 T1649"
    ),
    Tactic.DISCOVERY: (
        "T1007 T1012 T1016 T1018 T1033 T1046 T1049 T1057 T1069 T1082 T1083 T1087 T1135 T1201 T1518 "
        "T1526 T1580 T1613 T1614 T1619"
    ),
    Tactic.LATERAL_MOVEMENT: "T1021 T1210 T1534 T1550 T1563 T1570",
    Tactic.COLLECTION: "T1005 T1039 T1056 T1074 T1113 T1115 T1119 T1213 T1530 T1560",
    Tactic.COMMAND_AND_CONTROL: (
        "T1001 T1008 T1071 T1090 T1092 T1095 T1102 T1104 T1105 T1132 T1205 T1219 T1568 T1571 T1572 T1573"
    ),
    Tactic.EXFILTRATION: "T1011 T1020 T1029 T1030 T1041 T1048 T1052 T1537 T1567",
    Tactic.IMPACT: "T1485 T1486 T1489 T1490 T1491 T1495 T1496 T1498 T1499 T1529 T1531 T1561 T1565",
}
_BY_TECHNIQUE: Final = {name: tactic for tactic, names in _TECHNIQUES.items() for name in names.split()}
ORDER: Final = {tactic: position for position, tactic in enumerate(Tactic)}


def tactic_of(technique: str) -> Tactic | None:
    """None for a technique that is not in the table."""
    return _BY_TECHNIQUE.get(technique.partition(".")[0])
