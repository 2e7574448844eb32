"""A function that is hard to descend: a long bent valley with steep sides."""


def rosenbrock(w):
    """(1 - x)² + 100 (y - x²)², least at (1, 1)."""
    x, y = w
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def rosenbrock_gradient(w):
    x, y = w
    return [-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)]
