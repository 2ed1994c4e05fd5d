"""Linux distributions as advisories know them: OSV's ecosystem name, the purl's names, and the end of their support."""

import re
from datetime import date

from msgspec import Struct

from hullguard.model.image import OperatingSystem


class Distribution(Struct, frozen=True):
    """A distribution at one release. ``ecosystem`` is empty when OSV has no name for it."""

    id: str
    release: str
    ecosystem: str
    end_of_life: date | None = None

    @property
    def qualifier(self) -> str:
        """The purl qualifier ``distro``."""
        return f"{self.id}-{self.release}" if self.release else self.id


_DEBIAN_CODENAMES = {
    "wheezy": "7", "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13",
    "forky": "14",
}  # fmt: skip

# The last day of free security support, long-term support included.
# Sources: wiki.debian.org/LTS, ubuntu.com/about/release-cycle, alpinelinux.org/releases.
_END_OF_LIFE = {
    "Debian:7": date(2018, 5, 31), "Debian:8": date(2020, 6, 30), "Debian:9": date(2022, 6, 30),
    "Debian:10": date(2024, 6, 30), "Debian:11": date(2026, 8, 31), "Debian:12": date(2028, 6, 30),
    "Debian:13": date(2030, 6, 30),
    "Ubuntu:14.04:LTS": date(2019, 4, 25), "Ubuntu:16.04:LTS": date(2021, 4, 30),
    "Ubuntu:18.04:LTS": date(2023, 5, 31), "Ubuntu:20.04:LTS": date(2025, 5, 31),
    "Ubuntu:22.04:LTS": date(2027, 5, 31), "Ubuntu:24.04:LTS": date(2029, 5, 31),
    "Ubuntu:23.04": date(2024, 1, 25), "Ubuntu:23.10": date(2024, 7, 11), "Ubuntu:24.10": date(2025, 7, 10),
    "Ubuntu:25.04": date(2026, 1, 15), "Ubuntu:25.10": date(2026, 7, 9), "Ubuntu:26.04:LTS": date(2031, 5, 31),
    "Alpine:v3.2": date(2017, 5, 1), "Alpine:v3.3": date(2017, 11, 1), "Alpine:v3.4": date(2018, 5, 1),
    "Alpine:v3.5": date(2018, 11, 1), "Alpine:v3.6": date(2019, 5, 1), "Alpine:v3.7": date(2019, 11, 1),
    "Alpine:v3.8": date(2020, 5, 1), "Alpine:v3.9": date(2020, 11, 1), "Alpine:v3.10": date(2021, 5, 1),
    "Alpine:v3.11": date(2021, 11, 1), "Alpine:v3.12": date(2022, 5, 1), "Alpine:v3.13": date(2022, 11, 1),
    "Alpine:v3.14": date(2023, 5, 1), "Alpine:v3.15": date(2023, 11, 1), "Alpine:v3.16": date(2024, 5, 23),
    "Alpine:v3.17": date(2024, 11, 22), "Alpine:v3.18": date(2025, 5, 9), "Alpine:v3.19": date(2025, 11, 1),
    "Alpine:v3.20": date(2026, 4, 1), "Alpine:v3.21": date(2026, 11, 1), "Alpine:v3.22": date(2027, 5, 1),
    "Alpine:v3.23": date(2027, 11, 1),
}  # fmt: skip


def distribution(os: OperatingSystem, codename: str = "") -> Distribution:
    """The distribution that an os-release file describes."""
    ecosystem, release = _ecosystem(os.id, os.version_id or "", codename)
    return Distribution(os.id, release, ecosystem, _END_OF_LIFE.get(ecosystem))


def _ecosystem(name: str, version: str, codename: str) -> tuple[str, str]:
    numbers = version.split(".")
    match name:
        case "debian":
            # Testing and unstable have no VERSION_ID; testing names the coming release.
            release = numbers[0] or _DEBIAN_CODENAMES.get(codename, "")
            return (f"Debian:{release}" if release else "", release)
        case "ubuntu":
            lts = re.fullmatch(r"(\d\d)\.04", version) is not None and int(numbers[0]) % 2 == 0
            return (f"Ubuntu:{version}{':LTS' if lts else ''}" if version else "", version)
        case "alpine":
            if "_alpha" in version or version == "edge":
                return ("Alpine:edge", "edge")
            return (f"Alpine:v{'.'.join(numbers[:2])}" if len(numbers) > 1 else "", version)
        case "wolfi":
            return ("Wolfi", version)
        case "chainguard":
            return ("Chainguard", version)
    return ("", version)
