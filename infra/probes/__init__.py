"""What a stack is like from outside, whatever its target: each probe reads, and compares what it read."""
