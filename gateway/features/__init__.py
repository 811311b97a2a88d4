"""Adapters that answer what the router lacks: numbers computed from a request's text."""
