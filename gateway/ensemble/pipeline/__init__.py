"""Pipelines: named steps, from a draft to a text that stood the checks."""
