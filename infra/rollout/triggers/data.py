"""Replicas and migration: the data as it lies in the stores."""

from infra.rollout.judgement import Judgement, Verdict
from infra.rollout.limits import Limits
from infra.rollout.measurements import Measurements
from infra.rollout.triggers.shares import unknown


def replicas(measured: Measurements, _: Limits) -> Judgement:
    """No point may differ between the vector nodes."""
    name, seen = "replicas", measured.replicas
    if seen is None:
        return unknown(name, 0, "the vector nodes were not compared")
    if seen.compared == 0:
        return unknown(name, 0, "no points were there to compare")
    found = Verdict.UNHEALTHY if seen.differing else Verdict.HEALTHY
    return Judgement(name, found, seen.differing, 0, f"{seen.differing} of {seen.compared} points differ between nodes")


def migration(measured: Measurements, _: Limits) -> Judgement:
    """A version that is recorded proves no column: the catalog has to be the release's as well."""
    name, seen = "migration", measured.schema
    if seen is None:
        return unknown(name, 0, "the database's schema was not read")
    wrong = [f"the migration failed: {seen.failure}"] if seen.failure else []
    if seen.found_version != seen.wanted_version:
        wrong.append(f"the schema is at {seen.found_version or 'no version'}, the release needs {seen.wanted_version}")
    if seen.found_catalog != seen.wanted_catalog:
        wrong.append("tables, columns, indexes or constraints are not those of the release")
    said = "; ".join(wrong) or f"version {seen.found_version}, and the catalog is the release's"
    return Judgement(name, Verdict.UNHEALTHY if wrong else Verdict.HEALTHY, len(wrong), 0, said)
