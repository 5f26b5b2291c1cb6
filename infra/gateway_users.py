"""The gateway as the one that accepts a consumer's tokens; who signs them is outside of the stack."""

from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from infra.gateway.tokens import mint
from infra.secret import SecretState

PATH = "/api/v1/collections"
TIMEOUT_S = 5.0


@dataclass(frozen=True)
class GatewayUsers:
    """The gateway at `url`, asked in the name of `consumer`; a question that passes counts against its rate limit."""

    url: str
    consumer: str

    def accept_both(self, state: SecretState) -> list[str]:
        return [line for secret in state.accepted for line in self._expect(secret, passes=True)]

    def use_the_new(self, state: SecretState) -> list[str]:
        """Nothing to ask: its users are told by a person."""
        return self.accept_both(state)

    def left_the_old(self, state: SecretState, seconds: float) -> list[str]:
        return [f"only the owner of {self.consumer!r} knows whether it signs with the old one"]

    def refuse_the_old(self, state: SecretState) -> list[str]:
        return [*self._expect(state.other, passes=False), *self._expect(state.value, passes=True)]

    def _expect(self, secret: str, *, passes: bool) -> list[str]:
        address = urlsplit(self.url)
        headers = {"Authorization": f"Bearer {mint(self.consumer, secret, lifetime_s=60)}"}
        with closing(HTTPConnection(str(address.hostname), address.port, timeout=TIMEOUT_S)) as connection:
            try:
                connection.request("GET", PATH, headers=headers)
                status = connection.getresponse().status
            except (OSError, HTTPException) as error:
                return [f"the gateway answers with {type(error).__name__}"]
        return [] if (status != 401) == passes else [f"the gateway answers {status} for {self.consumer!r}"]
