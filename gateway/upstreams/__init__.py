"""Adapters out: each speaks one protocol to one endpoint and maps its errors to faults."""
