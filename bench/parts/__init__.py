"""What the scripts of bench/ are made of. Nothing in here is run by hand."""
