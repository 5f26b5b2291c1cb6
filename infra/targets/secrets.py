"""The secrets of a stack, whatever the target."""

from infra.gateway.tokens import secret_name
from infra.manifest import digest, placeholder_secrets
from infra.settings import Settings
from infra.targets.services import Files


def secret_names(settings: Settings) -> tuple[str, ...]:
    """For the database, between services, of each of the gateway's consumers, and where it runs of Grafana."""
    watched = ("grafanaPassword",) if settings.target != "local" else ()
    return ("databasePassword", "interServiceSecret", *map(secret_name, settings.consumers), *watched)


def file_digests(files: Files, settings: Settings) -> dict[str, str]:
    """The digest of each of a component's files, by its name, with every secret replaced by its own name."""
    rendered = files(placeholder_secrets(secret_names(settings)))
    return {name: digest(content) for name, content in rendered.items()}
