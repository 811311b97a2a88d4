"""Generated stubs of the public contract, `ensemble.v1`."""
