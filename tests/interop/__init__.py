"""Real clients and servers of other projects against a real gateway, each in its own process."""
