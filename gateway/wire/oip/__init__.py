"""The Open Inference Protocol on the wire: its messages, texts in tensors, values in parameters."""
