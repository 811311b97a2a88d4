"""Generated from protos/ensemble/v1; do not edit."""
