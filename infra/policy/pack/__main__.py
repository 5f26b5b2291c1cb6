"""Serves the policies to Pulumi, until it ends this process."""

from pulumi_policy import EnforcementLevel, PolicyPack

from infra.policy.pack.policies import policies

if __name__ == "__main__":
    PolicyPack("breakwater", policies(), enforcement_level=EnforcementLevel.MANDATORY)
