"""Python versions: PEP 440, by the packaging library, which is its reference."""

from packaging.version import InvalidVersion, Version

from hullguard.advisories.versions.order import Order, UnreadableVersion


class Pep440Order(Order):
    """Pre-releases count; a local version (``+cu118``) counts only against a bound that has one itself."""

    name = "PEP 440"

    def parse(self, text: str) -> Version:
        try:
            return Version(text)
        except InvalidVersion as cause:
            raise UnreadableVersion(text, self.name) from cause

    def installed_for(self, installed: str, bound: str) -> str:
        return installed if "+" in bound else installed.partition("+")[0]
