"""Many typed holes of one source: planned, filled in rounds, checked as a whole."""
