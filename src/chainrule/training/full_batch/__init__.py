"""Training by optimisers that see all samples in each step."""
