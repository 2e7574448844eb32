"""What comes out: the history, gradients, tables, pictures, progress."""
