"""The endpoints of a demonstration: their names and the gateway's configuration."""

FAST, QUALITY, CONSTRAINED = "fast", "quality", "constrained"
PROFILES = (FAST, QUALITY, CONSTRAINED)

QUICK = (FAST, CONSTRAINED)
QUICK_TAG = "quick"
"""Those of which each small hole gets a fill, so that routing learns within seconds."""

CONFIG = """\
[server]
port = 0
batch_in_flight = 2         # a batch runs long enough to be steered

[ensemble]
default_endpoint = "quality"

[sandbox]
kind = "{sandbox}"

[learning]
tick_s = 0.2                # outcomes are learned from at once
shadow_share = 1.0          # every layer says what it would have done
from_checks = false         # only what is reported teaches anything, so that runs are alike

[outcomes]
features_per_s = 1000       # every decision can teach

[tuner]
step = 0.3                  # one proposal has to do
accuracy_targets = {{ knn = 0.7, head = 0.7 }}    # these small models often fail together

[[endpoint]]
name = "fast"
url = "127.0.0.1:{fast}"
capabilities = ["fast_inference", "code_completion"]
tags = ["quick"]
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
tags = ["quick"]
priority = 3
cost_per_1k_tokens = 0.005
timeout_s = 120
max_context = 131072
"""
