"""Client of ensemble-gateway."""
