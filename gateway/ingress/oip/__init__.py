"""The Open Inference Protocol as a way in, on the same listener as our own services."""
