"""The reliability conformance suite: faults of every kind, and what became of each request.

It talks only to public protocols: a gateway is started as a user starts it, in front of model
servers that do what they are told, behind a proxy that breaks connections. The text that belongs
to each request is known, so that a lost, repeated or silently cut answer is seen exactly.
"""
