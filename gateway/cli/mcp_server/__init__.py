"""The MCP server: tools by which a program that speaks MCP asks a running gateway.

It is a client of the gateway like any other. Only `server` and `serving` know the SDK of MCP, which
the extra `mcp` installs; they import it when they are called.
"""
