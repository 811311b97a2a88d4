"""Layers of the learned router; each proposes a target and never applies a threshold."""
