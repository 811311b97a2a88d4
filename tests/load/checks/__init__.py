"""What the checks cost, without any call."""
