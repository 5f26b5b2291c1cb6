"""Kong's jwt plugin as Envoy's filter, in a file of its own: a changed one holds from the next request on.

The listener does not change with it, so no connection is closed and no rate limit begins anew.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from infra.gateway.envoy.document import Json, file_source, text, typed
from infra.gateway.envoy.ratelimit import CONSUMER_HEADER

JWT = "envoy.filters.http.jwt_authn"
JWT_FILE = "jwt.json"
JWT_REQUIREMENT = "consumer"
JWKS_PREFIX = "jwks-"
_MESSAGE = "extensions.filters.http.jwt_authn.v3.JwtAuthentication"


def jwt_discovery(directory: str) -> Json:
    """The filter's place in the chain; what it does stands in jwt.json."""
    return {
        "name": JWT,
        "config_discovery": {
            "config_source": file_source(directory, JWT_FILE),
            "type_urls": [typed(_MESSAGE)["@type"]],
        },
    }


def jwt_filter(kong: Mapping[str, Any], directory: str) -> Json:
    """One provider for each consumer: its own keys, and only its own name as the token's subject."""
    required = [{"provider_name": consumer["username"]} for consumer in kong["consumers"]]
    # A choice of one is not allowed.
    requirement = required[0] if len(required) == 1 else {"requires_any": {"requirements": required}}
    config = typed(
        _MESSAGE,
        providers={consumer["username"]: _provider(consumer, directory) for consumer in kong["consumers"]},
        requirement_map={JWT_REQUIREMENT: requirement},
        bypass_cors_preflight=True,
    )
    return {"name": JWT, "typed_config": config}


def jwks_files(kong: Mapping[str, Any]) -> dict[str, str]:
    """The files with the keys of the consumers' tokens, by name."""
    return {_jwks_file(consumer): _jwks(consumer) for consumer in kong["consumers"]}


def _provider(consumer: Mapping[str, Any], directory: str) -> Json:
    return {
        "subjects": {"exact": consumer["username"]},
        "local_jwks": {"filename": f"{directory}/{_jwks_file(consumer)}"},  # inline, /config_dump would show it
        "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
        "forward": True,
        "require_expiration": True,
        "clock_skew_seconds": 1,  # by default a minute; 0 means the default
        "claim_to_headers": [{"header_name": CONSUMER_HEADER, "claim_name": "sub"}],
    }


def _jwks_file(consumer: Mapping[str, Any]) -> str:
    """Other keys, another name: Envoy takes a filter that is word for word the same for unchanged."""
    digest = hashlib.sha256(_jwks(consumer).encode()).hexdigest()[:12]
    return f"{JWKS_PREFIX}{consumer['username']}-{digest}.json"


def _jwks(consumer: Mapping[str, Any]) -> str:
    keys = [base64.urlsafe_b64encode(secret["secret"].encode()).rstrip(b"=") for secret in consumer["jwt_secrets"]]
    return text({"keys": [{"kty": "oct", "alg": "HS256", "k": key.decode()} for key in keys]})
