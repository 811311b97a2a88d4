"""Adapters that run candidates which nobody trusts; validation asks through a port."""
