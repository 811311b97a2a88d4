"""What each policy costs on the healthy way of a request."""
