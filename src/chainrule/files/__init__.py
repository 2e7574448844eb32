"""The model file: its header, its archive, and the formulas in it."""
