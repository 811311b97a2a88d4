"""What became of answers: taken in, learned from, and turned into versions that can be applied."""
