"""What `ensemble demo` is made of."""
