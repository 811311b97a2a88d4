"""Where decisions and their outcomes are kept, and the weights learned from them."""
