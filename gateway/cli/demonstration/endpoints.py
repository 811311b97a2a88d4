"""The endpoints of a demonstration: their names and the gateway's configuration."""

FAST, QUALITY, CONSTRAINED = "fast", "quality", "constrained"
PROFILES = (FAST, QUALITY, CONSTRAINED)

CONFIG = """\
[server]
port = 0

[ensemble]
default_endpoint = "quality"

[sandbox]
kind = "{sandbox}"

[[endpoint]]
name = "fast"
url = "127.0.0.1:{fast}"
capabilities = ["fast_inference", "code_completion"]
priority = 1
cost_per_1k_tokens = 0.001
timeout_s = 60
max_context = 131072

[[endpoint]]
name = "quality"
url = "127.0.0.1:{quality}"
capabilities = ["high_quality", "security_aware", "long_context", "code_completion"]
priority = 2
cost_per_1k_tokens = 0.01
timeout_s = 180
max_context = 131072

[[endpoint]]
name = "constrained"
url = "127.0.0.1:{constrained}"
capabilities = ["constrained_generation", "code_completion"]
priority = 3
cost_per_1k_tokens = 0.005
timeout_s = 120
max_context = 131072
"""
