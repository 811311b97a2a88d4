"""Adapters in: what callers speak, translated into core values and back."""
