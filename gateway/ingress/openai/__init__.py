"""Requests in the form of the OpenAI API, over HTTP."""
