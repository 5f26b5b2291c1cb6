"""The tables of docs/ that state facts of the code: `python -m infra.reference` writes them, a test holds them."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import yaml

from infra.drift.kinds import COMMANDS, KINDS
from infra.policy.rules import RULES
from infra.settings import PROJECT_ROOT
from infra.topology import BUDGET_CPUS, BUDGET_MEMORY_MB, Component, topology

DOCS = PROJECT_ROOT / "docs"


def components() -> str:
    """Every component with its ports, limits and health check."""
    header = ("component", "ports", "memory (MiB)", "CPUs", "health check", "may take (s)", "image")
    return _table(header, (_component_row(c) for c in topology().components))


def _component_row(component: Component) -> tuple[str, ...]:
    health, limits = component.health, component.limits
    check = f"GET {health.path} on {health.port}" if health.kind == "http" else _CHECKS[health.kind]
    ports = ", ".join(f"{p.host} ({p.name})" for p in component.ports) or "none"
    figures = (str(limits.memory_mb), f"{limits.cpus:g}")
    return (component.name, ports, *figures, check, str(health.start_s), f"`{component.image}`")


_CHECKS = {"redis": "PING", "postgres": "libpq ping", "completed": "it ends with exit status 0"}


def edges() -> str:
    """Every edge with the port that a proxy for it listens on."""
    whole = topology()
    rows = (
        (f"`{e.name}`", str(e.listen), f"{e.dependency}:{whole.component(e.dependency).port(e.port).host}")
        for e in whole.edges
    )
    return _table(("edge", "proxy listens on", "leads to"), rows)


def budget() -> str:
    """The sum of all limits beside what they may reach."""
    limits = [c.limits for c in topology().components]
    memory, cpus = sum(limit.memory_mb for limit in limits), sum(limit.cpus for limit in limits)
    rows = (
        ("memory (MiB)", str(memory), str(BUDGET_MEMORY_MB), str(BUDGET_MEMORY_MB - memory)),
        ("CPUs", f"{cpus:g}", f"{BUDGET_CPUS:g}", f"{BUDGET_CPUS - cpus:g}"),
    )
    return _table(("resource", "limits add up to", "must stay below", "left"), rows)


def settings() -> str:
    """Every stack setting of Pulumi.yaml with its type, default and meaning."""
    schema = yaml.safe_load((PROJECT_ROOT / "Pulumi.yaml").read_text())["config"]
    rows = (
        (f"`{name}`", entry["type"], f"`{_shown(entry['default'])}`", entry["description"])
        for name, entry in schema.items()
    )
    return _table(("setting", "type", "default", "meaning"), rows)


def rules() -> str:
    """Every rule that a stack has to keep."""
    rows = ((f"`{rule.name}`", rule.says, "every stack" if rule.processes else "containers") for rule in RULES)
    return _table(("rule", "what holds", "of"), rows)


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return ", ".join(default) if isinstance(default, list) else str(default)


def drift() -> str:
    """Every kind of drift with its cause and its repair."""
    by = {**COMMANDS, "person": "a person"}
    rows = (
        (f"`{name}`", kind.means, _plain(kind.cause), by[kind.by], _plain(kind.repair)) for name, kind in KINDS.items()
    )
    return _table(("kind", "means", "most likely cause", "repaired by", "repair"), rows)


def _plain(text: str) -> str:
    """A text of a kind, with the names of what it is about in capitals."""
    return text.format(component="COMPONENT", what="NAME", at="URL").replace("|", "\\|")


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    header = tuple(header)
    lines = (header, ("---",) * len(header), *rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


TABLES: dict[str, Callable[[], str]] = {f.__name__: f for f in (components, edges, budget, settings, drift, rules)}
PAGES = ("topology.md", "capacity.md", "configuration.md", "drift.md", "policy.md")


def filled(page: str) -> str:
    """The page's text with each `<!-- table: NAME -->` … `<!-- end -->` filled by the table of that name."""
    return re.sub(
        r"<!-- table: (\w+) -->.*?<!-- end -->",
        lambda found: f"{found[0].splitlines()[0]}\n{TABLES[found[1]]()}\n<!-- end -->",
        page,
        flags=re.DOTALL,
    )


def main() -> None:
    """Bring the tables of all pages up to date."""
    for path in (Path(DOCS, name) for name in PAGES):
        path.write_text(filled(path.read_text()))


if __name__ == "__main__":
    main()
