"""Rollouts: traffic is moved from one release to another, step by step, and back by itself when a trigger fires."""
