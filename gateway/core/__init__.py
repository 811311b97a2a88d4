"""Frozen values and ports. Nothing here waits, locks, logs or reads a clock."""
