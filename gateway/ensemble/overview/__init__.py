"""What an operator sees of a gateway at one moment, put together from what was counted."""
