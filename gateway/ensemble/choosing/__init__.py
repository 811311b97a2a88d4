"""Choosing beyond the rules: the learned layers are asked, and what they say is recorded."""
