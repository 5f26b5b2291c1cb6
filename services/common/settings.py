"""Settings from the environment; a secret `X` may stand in a file named by `X_FILE`, which then wins."""

import os
import sys
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from services.common.service_secret import ServiceSecret


def _split(value: object) -> object:
    return (
        tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
        if isinstance(value, str)
        else value
    )


Urls = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), Field(min_length=1)]
Secret = Annotated[
    SecretStr, BeforeValidator(lambda given: given.strip() if isinstance(given, str) else given), Field(min_length=1)
]


class _FileSource(PydanticBaseSettingsSource):
    """Reads field `x` from the file that the variable X_FILE names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get(f"{field_name.upper()}_FILE")
        return (Path(path).read_text().strip() if path else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None}


class Settings(BaseSettings):
    """Read from the environment and from files that it names."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _FileSource(settings_cls), env_settings


class ServiceSettings(Settings):
    """What every service is told; a service adds its own fields and the mixins of its dependencies."""

    host: str = "127.0.0.1"
    port: int
    processes: int = Field(default=1, ge=1)  # behind the port; one core is what a process can use
    release: str = Field(default="", pattern=r"^[A-Za-z0-9._-]*$")  # what this is a release of; empty: nobody says
    candidate: bool = False  # of a rollout: it does what it is asked, and nothing by itself
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    inter_service_secret: Secret  # the one that is sent; those that are accepted as well follow, after white space
    inter_service_secret_file: Path | None = None
    legacy_routes: bool = True
    legacy_sunset: date = date(2027, 6, 30)  # announced in the older paths' Sunset header
    circuit_breaker_failure_threshold: int = Field(default=5, ge=1)  # failures in a row that open a dependency's
    circuit_breaker_recovery_s: float = Field(default=30.0, gt=0)  # an open one lets a call probe after so long
    circuit_breaker_force_closed: bool = False  # the override: none opens
    # The breakers between services open at a share of failures among the calls of a window, if these are enough.
    service_breaker_failure_share: float = Field(default=0.5, gt=0, le=1)
    service_breaker_window_s: float = Field(default=10.0, gt=0)
    service_breaker_minimum_calls: int = Field(default=10, ge=1)

    @cached_property
    def service_secret(self) -> ServiceSecret:
        """The secret between services as it is at every moment; all of a process sees the same one."""
        return ServiceSecret(self.inter_service_secret.get_secret_value(), self.inter_service_secret_file)


class QdrantSettings(Settings):
    """Where the vector nodes are, the preferred writer first."""

    qdrant_urls: Urls = ("http://127.0.0.1:6333",)


class OllamaSettings(Settings):
    """Where Ollama is and which of its models to use."""

    ollama_url: str = "http://127.0.0.1:11434"
    embedding_model: str = "all-minilm"
    generation_model: str = "extractive"


class DatabaseSettings(Settings):
    """Where the database is; the password stands apart from the address, which is logged."""

    database_url: str = "postgresql://rag@127.0.0.1:5432/rag"
    database_password: SecretStr | None = None


class StoreSettings(ServiceSettings, QdrantSettings, DatabaseSettings):
    """What a service is told that uses the vector store and the database."""


S = TypeVar("S", bound=Settings)


def load(settings: type[S]) -> S:
    """The settings from the environment; one line on stderr and exit status 2 where they are wrong."""
    try:
        return settings()
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
    except OSError as error:
        faults = f"cannot read {error.filename}: {error.strerror}"
    sys.stderr.write(f"refusing to start: {faults}\n")
    sys.exit(2)
