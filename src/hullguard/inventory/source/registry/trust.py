"""Whose certificates a registry may have, and with which one asks it, beyond what the system trusts.

Docker and podman have them in a directory for each registry (``certs.d/HOST:PORT``): ``*.crt`` are authorities, and
each ``*.cert`` is a client's certificate whose key is in the ``*.key`` of the same name (docs.docker.com, "Verify
repository client with certificates"; containers-certs.d(5)).
"""

import os
import ssl
from pathlib import Path

from hullguard.model.errors import Invalid

PLACES = (Path("/etc/docker/certs.d"), Path("/etc/containers/certs.d"))
_MOST = 64
_REASONS = {
    "NO_CERTIFICATE_OR_CRL_FOUND": "there is no certificate in PEM form in it",
    "KEY_VALUES_MISMATCH": "its key is another certificate's",
}


def named(ca_file: Path) -> ssl.SSLContext:
    """Trust in the authorities of one file alone; raises Invalid where it holds none."""
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ValueError) as cause:
        raise _unusable(ca_file, cause) from cause


def given(certificates: str) -> ssl.SSLContext:
    """Trust in the authorities of a text in PEM form alone; raises Invalid where it holds none."""
    try:
        return ssl.create_default_context(cadata=certificates)
    except (OSError, ValueError) as cause:
        none = _REASONS["NO_CERTIFICATE_OR_CRL_FOUND"]
        why = _why(cause) if "-----BEGIN CERTIFICATE-----" in certificates else none
        raise Invalid(f"the certificates that were given cannot be used: {why}", "registry.bad-ca") from cause


def noted(host: str) -> ssl.SSLContext | None:
    """Trust as Docker or podman was given for a registry beside the system's; None where nothing was."""
    context: ssl.SSLContext | None = None
    for path in _files(host):
        context = context or ssl.create_default_context()
        try:
            if path.suffix == ".crt":
                context.load_verify_locations(str(path))
            else:
                context.load_cert_chain(str(path), str(path.with_suffix(".key")))
        except (OSError, ValueError) as cause:
            raise _unusable(path, cause) from cause
    return context


def _files(host: str) -> list[Path]:
    own = Path.home() / ".config" / "containers" / "certs.d"
    found: list[Path] = []
    for place in (*PLACES, own):
        try:
            names = sorted(os.listdir(place / host))  # noqa: PTH208 - in order and bounded, before any path is made
        except OSError:
            continue
        found += [place / host / name for name in names[:_MOST] if name.endswith((".crt", ".cert"))]
    return found


def _unusable(path: Path, cause: OSError | ValueError) -> Invalid:
    return Invalid(f"the certificates {path} cannot be used: {_why(cause)}", "registry.no-ca-file")


def _why(cause: OSError | ValueError) -> str:
    known = _REASONS.get(getattr(cause, "reason", None) or "", "")
    return known or getattr(cause, "strerror", None) or str(cause)
