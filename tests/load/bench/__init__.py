"""The performance suite: what a request costs, against a naive proxy on the same core.

The speed of a machine changes from one second to the next, so no number is quoted alone. Every run
of a target stands between two runs of a yardstick on the same core, and the result is their ratio,
xREF = CPU per good answer of the target / mean of the two neighbouring runs of the yardstick. The
yardstick is a naive grpc.aio proxy: default event loop, protobuf in and out, no policy.
"""
