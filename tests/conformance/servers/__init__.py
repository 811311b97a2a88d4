"""Model servers and a TCP proxy that fail on order, each in a process of its own."""
