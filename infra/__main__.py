"""The Pulumi program: a stack's settings and the topology, on the stack's target."""

import os

import pulumi

from infra.secret import asked_steps
from infra.settings import read_settings
from infra.targets.local.deploy import deploy
from infra.topology import topology

settings = read_settings(pulumi.Config(), pulumi.get_stack())
shape = topology(settings.port_offset, chaos=settings.chaos, qdrant_nodes=settings.qdrant_nodes)
for name, value in deploy(shape, settings, asked_steps(os.environ)).items():
    pulumi.export(name, value)
