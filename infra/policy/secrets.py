"""The rule that no secret is in an environment or a command, where anybody who may look at processes sees it."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest

from infra.manifest import Deployed
from infra.policy.rule import Case, Complaint
from infra.targets.secrets import secret_names

REPAIR = "put it into a file of the component and name that in a variable or option that ends in FILE"
SECRET_NAME = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIAL|REQUIREPASS|(?:^|_)(?:TOKEN|KEY|APIKEY|PASS)(?:_|$)"
)
URL_WITH_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@]*:[^\s/@]+@", re.IGNORECASE)
PATH = re.compile(r"""(?:^|(?<=[\s=,:"']))/(?!/)[^\s,:"']*""")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
HEXADECIMAL = re.compile(r"\b[0-9a-f]{32,}\b")
RUN = re.compile(r"[A-Za-z0-9]{16,}")
RANDOM_BITS = 3.5  # Shannon entropy a character: 16 random ones have 3.8 on average, words about 3


def secrets(case: Case) -> Iterator[Complaint]:
    """No environment, command or health check holds what is, or looks like, a secret. Never tells the value."""
    names = secret_names(case.settings)
    for one in case.manifest.components:
        for where, name, value in _values(one):
            if why := _suspicion(name, value, names):
                yield one.component, f"{where} {why}", REPAIR


def _values(one: Deployed) -> Iterator[tuple[str, str, str]]:
    """Where a value stands, what it is called there, and the value."""
    for name, value in one.environment.items():
        yield f"the variable {name}", name, value
    for place, command in (("command", one.command), ("health check", one.health)):
        words = [word for argument in command for word in argument.split()]
        for word, following in zip_longest(words, words[1:], fillvalue=""):
            name, equals, value = word.partition("=")
            if equals:
                yield f"the {place}'s {name}", name, value
            elif word.startswith("-"):
                yield f"the {place}'s {word}", word, "" if following.startswith("-") else following
            else:
                yield f"a word of the {place}", "", word


def _suspicion(name: str, value: str, secret_names: tuple[str, ...]) -> str:
    """Why the value should not be there; empty if it may."""
    value = value.strip("\"'")
    if not value or value.startswith("$"):  # a shell fetches it from elsewhere
        return ""
    if any(re.search(rf"(?<![\w./-]){re.escape(secret)}(?![\w.-])", value) for secret in secret_names):
        return "is one of the stack's secrets"
    if URL_WITH_PASSWORD.search(value):
        return "is a URL with a password"
    label = name.lstrip("-").replace("-", "_").upper()
    if SECRET_NAME.search(label) and not label.endswith(("_FILE", "_STDIN")) and not value.startswith("/"):
        return "is called as a secret is, and has a value"
    return "looks random, as a secret does" if _looks_random(value) else ""


def _looks_random(value: str) -> bool:
    text = DIGEST.sub("", PATH.sub("", value))
    return bool(HEXADECIMAL.search(text)) or any(_is_random(run) for run in RUN.findall(text))


def _is_random(run: str) -> bool:
    classes = (str.islower, str.isupper, str.isdigit)
    mixed = all(any(map(kind, run)) for kind in classes)
    shares = [count / len(run) for count in Counter(run).values()]
    return mixed and -sum(share * math.log2(share) for share in shares) >= RANDOM_BITS
