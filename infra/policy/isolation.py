"""Rules about what a container may do beyond its own business, and who reaches it."""

from collections.abc import Iterator, Mapping

from infra.policy.rule import Case, Complaint

CAPABILITIES: Mapping[str, Mapping[str, str]] = {}
"""By component, the capabilities that it may have, each with the reason."""

ROOT: Mapping[str, str] = {"ollama": "its image keeps the models, a volume, in root's own folder"}
"""The components that may run as root inside, each with the reason."""

OWN_USERS: Mapping[str, str] = {"kong": "kong"}
"""The components whose image itself names a user that is not root, and which."""


def privileges(case: Case) -> Iterator[Complaint]:
    """No container is privileged."""
    for one in case.manifest.components:
        if one.privileged:
            yield one.component, "it is privileged: root of the whole machine", "leave `privileged` out"


def networks(case: Case) -> Iterator[Complaint]:
    """No container uses the machine's own network."""
    for one in case.manifest.components:
        if "host" in one.networks:
            yield (
                one.component,
                "it is on the machine's own network: every port of it is open, and it reaches what listens there",
                "put it on the stack's networks and publish the ports that are needed outside",
            )


def capabilities(case: Case) -> Iterator[Complaint]:
    """No container has a capability that is not in the table."""
    for one in case.manifest.components:
        for capability in one.capabilities:
            if capability not in CAPABILITIES.get(one.component, {}):
                yield (
                    one.component,
                    f"it has the capability {capability}",
                    "drop it, or add it with a reason to CAPABILITIES in infra/policy/isolation.py",
                )


def users(case: Case) -> Iterator[Complaint]:
    """No container runs as root, unless it is in the table."""
    for one in case.manifest.components:
        user = one.user.partition(":")[0]
        by_itself = not user and one.component in OWN_USERS
        if user in {"", "0", "root"} and not by_itself and one.component not in ROOT:
            said = "it runs as root" if user else "no user is named, so it runs as its image's, which is root"
            yield one.component, said, "name a user, or add a reason to ROOT in infra/policy/isolation.py"


def ports(case: Case) -> Iterator[Complaint]:
    """Each port of the machine is one that the design gives the component, once, and on 127.0.0.1 unless public."""
    for one in case.manifest.components:
        component = case.topology.by_name.get(one.component)
        design = {port.host: port for port in component.ports} if component else {}
        seen: set[int] = set()
        for published in one.ports:
            port = design.get(published.host)
            if port is None:
                said = f"it publishes port {published.host}, which the design does not give it"
                yield one.component, said, "publish none, or add the port to it in infra/topology.py"
            elif published.host in seen:
                yield one.component, f"it publishes port {published.host} twice", "publish it once"
            elif not port.public and published.address != "127.0.0.1":
                said = f"its port {published.host} is open on {published.address or 'every interface'}"
                yield one.component, said, "bind it to 127.0.0.1; the gateway is the way in"
            seen.add(published.host)
