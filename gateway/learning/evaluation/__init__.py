"""What another policy would have earned, estimated from logged decisions before it serves any."""
