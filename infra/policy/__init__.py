"""Rules that every stack has to keep, as pure functions over what it is to consist of."""
