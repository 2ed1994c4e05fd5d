import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hullguard.ctrl import openapi
from hullguard.ctrl.routes.catalog import RESOURCES
from hullguard.model.identity import Permission

DOCUMENT = openapi.document()
OPERATIONS = [operation for methods in DOCUMENT["paths"].values() for operation in methods.values()]
KEPT = Path(__file__).parents[3] / "console" / "openapi.json"


def references(node: Any) -> set[str]:
    found = set(re.findall(r"#/components/\w+/\w+", json.dumps(node)))
    assert found
    return found


def test_the_kept_copy_is_the_present_document():
    assert json.loads(KEPT.read_text(encoding="utf-8")) == json.loads(msgspec.json.encode(DOCUMENT))


def test_every_reference_leads_somewhere():
    for reference in references(DOCUMENT):
        node: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_every_route_of_the_catalog_is_described_once():
    names = [operation["operationId"] for operation in OPERATIONS]

    assert len(names) == len(set(names)) == sum(map(len, RESOURCES.values()))
    assert {tag["name"] for tag in DOCUMENT["tags"]} == {operation["tags"][0] for operation in OPERATIONS}
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]*)*", name) for name in names)


def test_every_operation_says_what_it_is_what_it_needs_and_how_it_fails():
    for operation in OPERATIONS:
        assert len(operation["summary"]) > 5, operation["operationId"]
        assert "default" in operation["responses"]
        if operation["security"]:
            assert "Needs: `" in operation["description"]
            assert {"401", "403"} <= set(operation["responses"])
            assert operation["security"] == [{"session": []}, {"token": []}]


def test_path_parameters_are_declared():
    for path, methods in DOCUMENT["paths"].items():
        for operation in methods.values():
            declared = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert declared == set(re.findall(r"\{(\w+)\}", path))


def test_answers_require_what_is_always_written():
    schemas = DOCUMENT["components"]["schemas"]

    assert set(schemas["Node"]["required"]) == set(schemas["Node"]["properties"])
    assert "default" not in schemas["Node"]["properties"]["containers"]
    assert schemas["Process"]["required"] == ["pid"]  # the encoder leaves out what is default
    assert schemas["PolicyInput"]["required"] == ["spec"]
    assert set(schemas["Suppressed"]["properties"]) - set(schemas["Suppressed"]["required"]) == {"source"}
    assert schemas["PolicyInput"]["additionalProperties"] is False
    assert set(schemas["NodePage"]["required"]) == {"items", "total", "cursor"}
    assert schemas["ScanReport"]["properties"]["schema"]["enum"] == ["hullguard/scan-report/1"]


@pytest.mark.parametrize("name", ["NodePage", "IncidentPage", "ImageSummaryPage", "AuditRecordPage"])
def test_pages_have_readable_names(name: str):
    items = DOCUMENT["components"]["schemas"][name]["properties"]["items"]["items"]

    assert items == {"$ref": f"#/components/schemas/{name.removesuffix('Page')}"}


def test_query_parameters_are_left_out_and_never_null():
    for operation in OPERATIONS:
        for parameter in operation["parameters"]:
            if parameter["in"] == "query":
                assert {"type": "null"} not in parameter["schema"].get("anyOf", [])


def test_nothing_describes_a_hash():
    assert "password_hash" not in json.dumps(DOCUMENT)
    assert "secret_hash" not in json.dumps(DOCUMENT)


def test_the_permissions_are_those_of_the_vocabulary():
    assert set(DOCUMENT["components"]["schemas"]["Permission"]["enum"]) == {each.value for each in Permission}


def test_what_needs_a_version_or_takes_a_key_says_so():
    headers = {
        operation["operationId"]: {p["name"] for p in operation["parameters"] if p["in"] == "header"}
        for operation in OPERATIONS
    }

    assert {name for name, given in headers.items() if "If-Match" in given} == {
        *("updatePolicy", "deletePolicy", "rollBackPolicy"),
        *("updateRegistry", "deleteRegistry"),
        *("updateException", "deleteException"),
        "setAdvisorySettings",
    }
    assert {name for name, given in headers.items() if "Idempotency-Key" in given} == {
        *("createCommand", "createSubmission"),
    }
