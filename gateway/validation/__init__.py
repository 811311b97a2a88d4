"""Checks of candidates: text in, verdicts out. Nothing waits, and nothing quotes a candidate."""
