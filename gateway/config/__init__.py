"""What a gateway is told: one TOML file, the environment over it, every error at once."""
