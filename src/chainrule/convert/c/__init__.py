"""What `to_c` writes: the text of a C99 file, its arithmetic in NumPy, how far it may be off."""
