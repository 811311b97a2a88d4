"""Turns a decision into attempts and attempts into one answer."""
