"""Schedules: several faults at once, drawn by Hypothesis, run on the stack, journaled, and run again from there."""

COUNT = "CHAOS_SCHEDULES"
"""The variable that says how many schedules the experiment draws."""

REPLAY = "CHAOS_REPLAY"
"""The variable that names a journal's file, or a run's folder, whose schedules the experiment runs again instead."""
