"""Every rule, the particular before the general: of two that claim the same bytes the first is reported."""

from hullguard.inventory.content.secrets.rule import Rule
from hullguard.inventory.content.secrets.rules import (
    cloud,
    clusters,
    daemons,
    development,
    files,
    java,
    platforms,
    services,
    settings,
    shell,
    tools,
)

RULES: tuple[Rule, ...] = (
    *cloud.AMAZON,
    *cloud.GOOGLE,
    *cloud.AZURE,
    *cloud.CHINA,
    *cloud.HOSTS,
    *development.CODE_HOSTS,
    *development.REGISTRIES,
    *development.BUILDS,
    *development.INFRASTRUCTURE,
    *services.MESSAGES,
    *services.OFFICE,
    *services.PAYMENTS,
    *services.OBSERVATION,
    *services.AI,
    *files.KEYS,
    *files.FILES,
    *settings.SERVERS,
    *settings.APPLICATIONS,
    *java.JAVA,
    *platforms.PLATFORMS,
    *clusters.CLUSTERS,
    *daemons.DAEMONS,
    *tools.TOOLS,
    *shell.SHELL,
    *files.GENERIC,
)
