"""The quality suite on recorded real data: `make eval`."""
