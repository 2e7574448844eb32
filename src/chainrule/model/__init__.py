"""What a network is: its shape, its parameters, and the plan by which the core computes."""
