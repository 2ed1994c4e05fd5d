"""Through which proxy a server is asked that is given a password or a token."""

from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from hullguard.inventory.source.registry.reference import is_loopback


def proxy_for(url: str) -> str:
    """The proxy that the environment names for this address; empty where it is asked directly, as this machine is."""
    parts = urlsplit(url)
    if is_loopback(parts.hostname or "") or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return ""
    proxies = getproxies_environment()
    return proxies.get(parts.scheme, proxies.get("all", ""))


def masked(proxy: str) -> str:
    """A proxy's address as far as it can be shown: before an @ there may be a password."""
    return repr(f"…@{proxy.rpartition('@')[2]}" if "@" in proxy else proxy)[:200]
