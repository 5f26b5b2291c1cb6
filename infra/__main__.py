"""The Pulumi program: a stack's settings and the topology, on the stack's target."""

import os

import pulumi

from infra.secret import asked_steps
from infra.settings import read_settings
from infra.targets.deployment import deploy

settings = read_settings(pulumi.Config(), pulumi.get_stack())
for name, value in deploy(settings, asked_steps(os.environ)).items():
    pulumi.export(name, value)
