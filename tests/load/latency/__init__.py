"""How soon the gateway acts when a caller leaves or the time is over."""
