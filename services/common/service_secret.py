"""The secret that the stack's services share, read again when its file changes, so that it can change under load."""

import hmac
import logging
import time
from collections.abc import Callable
from pathlib import Path

HEADER = "X-Service-Token"
POLL_S = 0.5
"""No answer here is older than this: the file is looked at when the secret is used, at most this often."""

log = logging.getLogger(__name__)


def fingerprint(secret: str) -> str:
    """A short name for a secret that tells nothing of it; two secrets differ in it but for a chance of 2^-48."""
    return hmac.digest(secret.encode(), b"fingerprint", "sha256").hex()[:12]


class ServiceSecret:
    """One or more secrets with white space between them: the first is sent, every one is accepted.

    Both stand in one text because they must change as one: between two files there would be a moment in which a
    service refuses what another one sends.

    Args:
        text: the secrets to begin with.
        file: where the text comes from. Who changes it moves a new file into its place. One that cannot be read, or
            holds no secret, changes nothing here but for a line in the log.
    """

    def __init__(self, text: str, file: Path | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._seen: object = None
        self._look_at = clock()
        self._held = tuple(text.split())
        self._shown = dict.fromkeys(self._held, clock())

    def sent(self) -> str:
        """What to show to another service now."""
        self._look()
        return self._held[0]

    def accepts(self, given: bytes) -> bool:
        """Whether `given` is one of the secrets; takes the same time for every wrong one."""
        self._look()
        for secret in self._held:
            if hmac.compare_digest(given, secret.encode()):
                self._shown[secret] = self._clock()
                return True
        return False

    def report(self) -> dict[str, object]:
        """What is sent, and for each accepted secret the seconds since it came or was last shown; by fingerprint."""
        self._look()
        now = self._clock()
        accepted = {fingerprint(secret): round(now - shown, 3) for secret, shown in self._shown.items()}
        return {"sends": fingerprint(self._held[0]), "accepts": accepted}

    def _look(self) -> None:
        now = self._clock()
        if self._file is None or now < self._look_at:
            return
        self._look_at = now + POLL_S
        try:
            stat = self._file.stat()
            seen: object = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if seen != self._seen:
                self._take(self._file.read_text().split(), now)
        except (OSError, UnicodeDecodeError) as error:
            seen = type(error)
            if seen != self._seen:
                self._keep(type(error).__name__)
        self._seen = seen

    def _take(self, secrets: list[str], now: float) -> None:
        if not secrets:
            self._keep("it is empty")
        elif tuple(secrets) != self._held:
            self._held = tuple(secrets)
            self._shown = {secret: self._shown.get(secret, now) for secret in secrets}
            names = [fingerprint(secret) for secret in secrets]
            log.info("another service secret", extra={"sends": names[0], "accepts": names})

    def _keep(self, reason: str) -> None:
        log.error("the service secret stays as it was", extra={"file": str(self._file), "reason": reason})
