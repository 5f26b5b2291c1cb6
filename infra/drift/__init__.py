"""Drift: where a stack is not what it is to be, why, and what repairs it."""
