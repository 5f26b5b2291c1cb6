"""Sabotages: defects put into a running stack on purpose, each of which the suite must notice and name."""
