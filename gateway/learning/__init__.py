"""Pure reducers: what outcomes teach, as the snapshots that the router reads."""
