"""Small advisory databases made of a few records."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hullguard.advisories.database import Advisories
from hullguard.advisories.importer import import_files
from hullguard.model.image import OperatingSystem, Target
from hullguard.model.inventory import Inventory
from hullguard.model.package import Package, PackageType, Unknown
from hullguard.model.report import Vulnerability

TODAY = date(2026, 1, 1)
Record = dict[str, Any]


def affected(
    ecosystem: str,
    name: str,
    *events: Mapping[str, str],
    versions: Sequence[str] = (),
    kind: str = "ECOSYSTEM",
    **specific: object,
) -> Record:
    """One entry of ``affected``; without events it has no range."""
    entry: Record = {"package": {"ecosystem": ecosystem, "name": name}}
    if events:
        entry["ranges"] = [{"type": kind, "events": list(events)}]
    if versions:
        entry["versions"] = list(versions)
    if specific:
        entry["ecosystem_specific"] = specific
    return entry


def record(identity: str, *entries: Record, **fields: object) -> Record:
    return {"id": identity, "modified": "2025-01-01T00:00:00Z", "affected": list(entries), **fields}


def write_records(path: Path, *records: Record) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    return path


def database(directory: Path, *records: Record, files: Sequence[Path] = ()) -> Advisories:
    """A database of these records and files, imported as a user would."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "advisories.db"
    made = [write_records(directory / "records.jsonl", *records)] if records else []
    import_files([*made, *files], path)
    return Advisories.open(path)


def package(name: str, version: str, ecosystem: str, **fields: Any) -> Package:
    family = ecosystem.partition(":")[0]
    kinds = {"PyPI": PackageType.PYPI, "npm": PackageType.NPM, "Alpine": PackageType.APK}
    kind = kinds.get(family, PackageType.DEB)
    fields.setdefault("locations", ("place",))
    return Package(
        purl=f"pkg:{kind}/{name}@{version}", type=kind, name=name, version=version, ecosystem=ecosystem, **fields
    )


def inventory(*packages: Package, os: OperatingSystem | None = None, unknowns: Sequence[Unknown] = ()) -> Inventory:
    return Inventory(Target("test", "dir"), os=os, packages=tuple(packages), unknowns=tuple(unknowns))


def found(advisories: Advisories, *packages: Package) -> dict[str, Vulnerability]:
    """Findings by id; an id twice is a mistake of the test."""
    vulnerabilities = advisories.match(inventory(*packages), TODAY).vulnerabilities
    by_id = {one.id: one for one in vulnerabilities}
    assert len(by_id) == len(vulnerabilities), [one.id for one in vulnerabilities]
    return by_id


def shared_data() -> Path:
    """The directory of real data, or a skip that says what is absent."""
    given = os.environ.get("HULLGUARD_SHARED_DATA")
    path = Path(given) if given else Path(__file__).parents[3] / "shared" / "data"
    if not (path / "advisories").is_dir():
        pytest.skip(f"no real advisories: {path / 'advisories'} is absent; set HULLGUARD_SHARED_DATA")
    return path
