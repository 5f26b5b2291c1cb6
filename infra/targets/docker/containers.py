"""What runs for each component of the docker target: the container of each, as data.

Secrets are in files only, never in a command or an environment. Every root is read-only, and every user one without
rights where the image has one.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace

from infra.gateway import KONG_FILE, kong_of
from infra.gateway.kong import to_yaml
from infra.manifest import Published
from infra.observability.files import observability_files
from infra.observability.prometheus import KONG_STATUS_PORT
from infra.qdrant.steps import factors_for
from infra.targets.docker import checks, starts
from infra.targets.docker.container import FOLDER, Container
from infra.targets.docker.images import image_name
from infra.targets.docker.place import EVERY, LOOPBACK, Place
from infra.targets.services import (
    DATABASE,
    DATABASE_USER,
    PASSWORD_FILE,
    SERVICES,
    Files,
    database_url,
    needs_of,
    password_file,
    proxied,
    qdrant_nodes,
)
from infra.topology import PEERS, QDRANT_NODES, Component, Limits, Volume

OURS = "10001:10001"  # the user in the images that are built here
NOBODY = "65534:65534"  # Prometheus's and Alertmanager's own user; Toxiproxy's image has none and needs none
SCRATCH = {"/tmp": "size=64m,mode=1777"}  # noqa: S108 - the container's own
"""A folder in memory. Only over one that the image has with these rights: runc before 1.1.8, which Debian 12 has, gives
the folder's own to it when the container starts again."""
GATEWAY_CONFIG = Volume("kong-config", "/kong")
"""Where Kong finds its configuration when it starts; see `gateway_config`."""
PASSWORD_OF_GRAFANA = "grafanaPassword"  # noqa: S105 - its name


def container(place: Place, name: str) -> Container:
    """The container of the component of that name."""
    component = place.topology.component(name)
    return _CONTAINERS[component.role](place, component, _common(place, component))


def _common(place: Place, component: Component) -> Container:
    """What the topology says already."""
    job = component.health.kind == "completed"
    published = (
        ()
        if place.rolled(component.name)
        else tuple(Published(EVERY if port.public else LOOPBACK, port.host, port.container) for port in component.ports)
    )
    return Container(
        component.name,
        image_name(component, place.settings),
        component.limits,
        "run" if job else "create-first" if place.rolled(component.name) else "stop-first",
        volumes=component.volumes,
        # An internal network publishes nothing.
        networks=("internal", *(("edge",) if published else ())),
        published=published,
        after=needs_of(place, component.name),
    )


def _in_folder(files: Files) -> Files:
    return lambda secrets: {f"{FOLDER}/{name}": content for name, content in files(secrets).items()}


def _collections(place: Place) -> dict[str, str]:
    """The collections file, where there is one."""
    file = place.settings.collections_file
    return {place.folder("collections_file"): file.read_text()} if file.exists() else {}


def _toxiproxy(place: Place, component: Component, common: Container) -> Container:
    whole = proxied(place)
    proxies = [
        {
            "name": edge.name,
            "listen": f"{EVERY}:{edge.listen}",
            "upstream": f"{edge.dependency}:{whole.component(edge.dependency).port(edge.port).container}",
            "enabled": True,
        }
        for edge in whole.edges
    ]
    port = place.port(component.name)
    file = place.file(component.name, "proxies.json")
    cli = ("/toxiproxy-cli", "--host", f"http://{LOOPBACK}:{port}", "list")
    return replace(
        common,
        user=NOBODY,
        command=(f"-host={EVERY}", f"-port={port}", f"-config={file}"),
        environment={"LOG_LEVEL": "info"},
        files=lambda _secrets: {file: json.dumps(proxies, indent=2)},
        check=checks.command(*cli, start_s=component.health.start_s),
    )


def _ollama(_place: Place, component: Component, common: Container) -> Container:
    """As root, the only user that the image has, but without any of root's capabilities."""
    return replace(
        common,
        environment={"OLLAMA_HOST": f"{EVERY}:11434", "OLLAMA_KEEP_ALIVE": "-1"},
        # It pulls models. Not "edge" as well: the way out leads through the network whose name comes first.
        networks=("internal", "egress"),
        tmpfs=SCRATCH,
        # The client starts slowly, so not too often.
        check=checks.command("ollama", "list", start_s=component.health.start_s, interval_s=10),
        gpu=component.gpu,
    )


def _qdrant(place: Place, component: Component, common: Container) -> Container:
    own, founder = (f"http://{place.address(PEERS, node)}" for node in (component.name, QDRANT_NODES[0]))
    (storage,) = component.volumes
    return replace(
        common,
        user="1000:1000",  # the unprivileged image's own
        # A node that is told to join itself is the first; the same words fit them all.
        command=("./entrypoint.sh", "--uri", own, "--bootstrap", founder),
        environment={
            "QDRANT__CLUSTER__ENABLED": "true",
            "QDRANT__CLUSTER__P2P__PORT": str(place.port(component.name, "p2p")),
            "QDRANT__STORAGE__SNAPSHOTS_PATH": f"{storage.path}/snapshots",
            "QDRANT__TELEMETRY_DISABLED": "true",
            "QDRANT_INIT_FILE_PATH": "/tmp/.qdrant-initialized",  # noqa: S108 - the container's own
        },
        tmpfs=SCRATCH,
        check=checks.bash(place.port(component.name), component.health.path, component.health.start_s),
        open_files=16384,  # every segment of every shard is several
    )


_REDIS = """\
bind 0.0.0.0
protected-mode no
# Below the container's limit; the rest is for copies and buffers.
maxmemory 384mb
maxmemory-policy allkeys-lru
# A cache: nothing in it is worth a disk write.
save ""
appendonly no
dir /tmp
"""


def _redis(place: Place, component: Component, common: Container) -> Container:
    """Without the image's own entrypoint, which is there to change the user and to load modules."""
    file = place.file(component.name, "redis.conf")
    return replace(
        common,
        user="999:999",  # the image's redis
        entrypoint=("redis-server",),
        command=(file,),
        files=lambda _secrets: {file: _REDIS},
        tmpfs=SCRATCH,
        check=checks.command("redis-cli", "-h", LOOPBACK, "-e", "ping", start_s=component.health.start_s),
    )


_POSTGRES = {
    "shared_preload_libraries": "timescaledb",
    "max_connections": "60",
    "shared_buffers": "384MB",  # a quarter of the container's limit
    "effective_cache_size": "1GB",
    "max_worker_processes": "16",  # TimescaleDB's jobs among them
    "timezone": "UTC",
    "timescaledb.telemetry_level": "off",
}


def _timescaledb(place: Place, component: Component, common: Container) -> Container:
    """As the image's postgres from the beginning: nothing is left to do for a root that changes owners."""
    options = [word for name, value in _POSTGRES.items() for word in ("-c", f"{name}={value}")]
    asked = ("psql", "-h", LOOPBACK, "-U", DATABASE_USER, "-d", DATABASE, "-wqtAc", "SELECT 1")
    return replace(
        common,
        user="70:70",
        entrypoint=starts.POSTGRES,
        command=("postgres", *options),
        environment={
            "POSTGRES_USER": DATABASE_USER,
            "POSTGRES_DB": DATABASE,
            "POSTGRES_PASSWORD_FILE": place.file(component.name, PASSWORD_FILE),
            "NO_TS_TUNE": "true",  # it would go by the machine's memory, and only at the very first start
        },
        files=_in_folder(password_file),
        tmpfs={**SCRATCH, "/var/run/postgresql": "size=1m,mode=1777"},
        # By TCP: while the database is made, a server for that alone answers at the socket.
        check=checks.command(*asked, start_s=component.health.start_s),
        stop_signal="SIGINT",  # Postgres's fast shutdown
        stop_s=60,  # for its last checkpoint
        shared_memory_mb=256,
    )


def _models(place: Place, component: Component, common: Container) -> Container:
    models = (place.settings.embedding_model, place.settings.generation_model)
    url = f"http://{place.address(component.name, 'ollama')}"
    return replace(common, user=OURS, command=("python", "-m", "infra.models", "--url", url, *models), tmpfs=SCRATCH)


def _migrations(place: Place, component: Component, common: Container) -> Container:
    command = (
        *("python", "-m", "infra.migrate"),
        *("--url", database_url(place, component.name)),
        *("--password-file", place.file(component.name, PASSWORD_FILE)),
        *("--collections", place.folder("collections_file")),
    )
    files = _in_folder(password_file)
    return replace(
        common,
        user=OURS,
        command=command,
        files=lambda secrets: files(secrets) | _collections(place),
        tmpfs=SCRATCH,
    )


def _service(place: Place, component: Component, common: Container) -> Container:
    service = SERVICES[component.role]
    given, live = _in_folder(service.files), _in_folder(service.live_files)
    environment = service.environment(place, component.name)
    reads_collections = "COLLECTIONS_FILE" in environment
    roots = {"DATA_ROOT": "data_root", "DOCS_ROOT": "docs_root"}
    return replace(
        common,
        user=OURS,
        environment=environment,
        files=lambda secrets: given(secrets) | live(secrets) | (_collections(place) if reads_collections else {}),
        folders={
            place.folder(setting): str(getattr(place.settings, setting))
            for variable, setting in roots.items()
            if variable in environment
        },
        tmpfs=SCRATCH,
        check=checks.python(place.port(component.name), component.health.path, component.health.start_s),
        init=True,  # query's processes are its children
    )


def _kong(place: Place, component: Component, common: Container) -> Container:
    config = f"{GATEWAY_CONFIG.path}/{KONG_FILE}"
    proxy, admin = (f"{EVERY}:{place.port(component.name, port)}" for port in ("http", "admin"))
    return replace(
        common,
        user="kong",
        environment={
            "KONG_DATABASE": "off",
            "KONG_DECLARATIVE_CONFIG": config,
            "KONG_PREFIX": "/tmp/kong",  # noqa: S108 - the container's own
            "KONG_PROXY_LISTEN": proxy,
            "KONG_ADMIN_LISTEN": admin,
            "KONG_STATUS_LISTEN": f"{EVERY}:{KONG_STATUS_PORT}",
            "KONG_ADMIN_GUI_LISTEN": "off",
            "KONG_PROXY_ACCESS_LOG": "/dev/stdout",
            "KONG_PROXY_ERROR_LOG": "/dev/stderr",
            "KONG_ADMIN_ACCESS_LOG": "/dev/stdout",
            "KONG_ADMIN_ERROR_LOG": "/dev/stderr",
            "KONG_ANONYMOUS_REPORTS": "off",
            "KONG_NGINX_WORKER_PROCESSES": "2",  # by itself it goes by the machine's cores, and so does its memory
            "KONG_MEM_CACHE_SIZE": "64m",
            "KONG_LMDB_MAP_SIZE": "128m",
            # The engine says 600 s of every address, and a container that restarts may get another one.
            "KONG_DNS_VALID_TTL": "5",
            "KONG_DNS_NOT_FOUND_TTL": "1",
        },
        read_volumes=(GATEWAY_CONFIG,),
        live_files=lambda secrets: {config: to_yaml(kong_of(place.topology, place.settings, place.address, secrets))},
        tmpfs={"/tmp": "size=320m,mode=1777"},  # noqa: S108 - as SCRATCH, with Kong's own files
        # Answers 200 only once every worker has the configuration.
        check=checks.bash(KONG_STATUS_PORT, "/status/ready", component.health.start_s),
        stop_signal="SIGQUIT",  # Nginx answers what it has begun
    )


def _prometheus(place: Place, component: Component, common: Container) -> Container:
    (data,) = component.volumes
    command = (
        "--config.file=/etc/prometheus/prometheus.yml",
        f"--storage.tsdb.path={data.path}",
        "--storage.tsdb.retention.time=15d",
        "--storage.tsdb.retention.size=4GB",
    )
    return replace(_watcher(place, component, common), user=NOBODY, command=command)


def _alertmanager(place: Place, component: Component, common: Container) -> Container:
    (data,) = component.volumes
    command = (
        "--config.file=/etc/alertmanager/alertmanager.yml",
        f"--storage.path={data.path}",
        "--cluster.listen-address=",  # there is no other
    )
    return replace(_watcher(place, component, common), user=NOBODY, command=command)


def _grafana(place: Place, component: Component, common: Container) -> Container:
    watcher = _watcher(place, component, common)
    password = place.file(component.name, PASSWORD_OF_GRAFANA)
    (data,) = component.volumes
    return replace(
        watcher,
        user="472:0",  # the image's own
        entrypoint=starts.GRAFANA,
        environment={
            "GF_SECURITY_ADMIN_PASSWORD__FILE": password,
            "GF_PATHS_DATA": data.path,
            "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": "/etc/grafana/dashboards/breakwater.json",
            "GF_LOG_MODE": "console",
            "GF_USERS_ALLOW_SIGN_UP": "false",
            # Nothing of it reaches the Internet, so that it had better not try.
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
            "GF_PLUGINS_PREINSTALL_DISABLED": "true",
        },
        files=lambda secrets: watcher.files(secrets) | {password: secrets[PASSWORD_OF_GRAFANA][0]},
    )


def _watcher(place: Place, component: Component, common: Container) -> Container:
    """What Prometheus, Alertmanager and Grafana have in common."""
    return replace(
        common,
        files=lambda _secrets: observability_files(component.name, place.topology, place.settings.stack),
        tmpfs=SCRATCH,
        check=checks.wget(place.port(component.name), component.health.path, component.health.start_s),
    )


def jobs_image(place: Place) -> str:
    """The image of the jobs, which every stack has: for what else runs or holds something of the project's own."""
    return image_name(place.topology.component("migrations"), place.settings)


def formed(place: Place) -> Container:
    """What looks whether the vector nodes are a cluster, and everything is where it has to be."""
    nodes = qdrant_nodes(place)
    factors = map(str, factors_for(len(nodes)))
    return _asks(place, "cluster-formed", "--members", str(len(nodes)), "--factors", *factors, *_urls(place, nodes))


def others_agree(place: Place, node: str) -> Container | None:
    """What looks whether the other vector nodes can do without this one for a while; None where there is no other."""
    others = [one for one in qdrant_nodes(place) if one != node]
    return _asks(place, f"{node}-replaceable", "--absent", "1", *_urls(place, others)) if others else None


def _urls(place: Place, nodes: Iterable[str]) -> list[str]:
    return [f"{node}=http://{node}:{place.port(node)}" for node in nodes]


def _asks(place: Place, name: str, *words: str) -> Container:
    command = ("python", "-m", "infra.qdrant.formed", *words)
    return Container(name, jobs_image(place), Limits(64, 0.5), "run", user=OURS, command=command, tmpfs=SCRATCH)


_CONTAINERS: dict[str, Callable[[Place, Component, Container], Container]] = {
    "toxiproxy": _toxiproxy,
    "ollama": _ollama,
    **dict.fromkeys(QDRANT_NODES, _qdrant),
    "redis": _redis,
    "timescaledb": _timescaledb,
    "models": _models,
    "migrations": _migrations,
    **dict.fromkeys(SERVICES, _service),
    "kong": _kong,
    "prometheus": _prometheus,
    "alertmanager": _alertmanager,
    "grafana": _grafana,
}
