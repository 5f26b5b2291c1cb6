"""What an `up` would do to a stack, from what it consists of and what it is to consist of."""
