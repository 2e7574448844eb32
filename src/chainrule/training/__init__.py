"""What `fit` does, from its options to its epochs."""
