"""The wire messages of `ensemble.v1` against the core values, total in both directions."""
