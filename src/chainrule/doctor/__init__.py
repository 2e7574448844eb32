"""What keeps a network from learning: symptoms, their figures, and what to try."""
