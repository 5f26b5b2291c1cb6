"""The Pulumi program: a stack's settings and the topology, on the stack's target."""

import pulumi

from infra.settings import read_settings
from infra.targets.local.deploy import deploy
from infra.topology import topology

settings = read_settings(pulumi.Config(), pulumi.get_stack())
shape = topology(settings.port_offset, chaos=settings.chaos)
for name, value in deploy(shape, settings).items():
    pulumi.export(name, value)
