"""Many networks at once, on one machine."""
