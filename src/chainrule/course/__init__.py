"""The course on backpropagation as working code, from perceptrons to paths."""
