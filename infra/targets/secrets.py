"""The secrets of a stack, whatever the target."""

from infra.gateway.tokens import secret_name
from infra.settings import Settings


def secret_names(settings: Settings) -> tuple[str, ...]:
    """For the database, between services, of each of the gateway's consumers, and where it runs of Grafana."""
    watched = ("grafanaPassword",) if settings.target != "local" else ()
    return ("databasePassword", "interServiceSecret", *map(secret_name, settings.consumers), *watched)
