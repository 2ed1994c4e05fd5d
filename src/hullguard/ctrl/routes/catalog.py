"""Every route of the API. What is not in this list does not exist."""

from collections.abc import Mapping
from typing import Final

from litestar import Router
from litestar.handlers import HTTPRouteHandler

from hullguard.ctrl.routes import (
    advisories,
    agent_bundles,
    audit,
    commands,
    containers,
    description,
    detectors,
    enrolment_tokens,
    exceptions,
    health,
    image_reports,
    images,
    incidents,
    nodes,
    overview,
    policies,
    profiles,
    quota,
    registries,
    rules,
    sessions,
    stream,
    submissions,
    tokens,
    unknown,
    users,
    vex_documents,
)

PREFIX: Final = "/api/v1"

RESOURCES: Final[Mapping[str, tuple[HTTPRouteHandler, ...]]] = {
    "sessions": sessions.ROUTES,
    "users": users.ROUTES,
    "tokens": tokens.ROUTES,
    "overview": overview.ROUTES,
    "nodes": nodes.ROUTES,
    "containers": containers.ROUTES,
    "images": (*images.ROUTES, *image_reports.ROUTES),
    "exceptions": exceptions.ROUTES,
    "vex-documents": vex_documents.ROUTES,
    "submissions": submissions.ROUTES,
    "incidents": incidents.ROUTES,
    "detectors": detectors.ROUTES,
    "rules": rules.ROUTES,
    "registries": registries.ROUTES,
    "policies": policies.ROUTES,
    "profiles": profiles.ROUTES,
    "commands": commands.ROUTES,
    "enrolment-tokens": enrolment_tokens.ROUTES,
    "quota": quota.ROUTES,
    "advisories": advisories.ROUTES,
    "audit": audit.ROUTES,
    "agent-bundles": agent_bundles.ROUTES,
    "stream": stream.ROUTES,
    "description": description.ROUTES,
}

ROUTES: Final[tuple[Router | HTTPRouteHandler, ...]] = (
    Router(PREFIX, route_handlers=[handler for handlers in RESOURCES.values() for handler in handlers]),
    *health.ROUTES,
    *unknown.ROUTES,
)
