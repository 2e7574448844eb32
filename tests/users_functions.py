"""An activation and a cost as a user may write them, each with a parameter."""

import numpy as np


class Sine:
    def __init__(self, omega=1.0):
        self.omega = omega

    def value(self, z):
        return np.sin(self.omega * z)

    def slope(self, z, a):
        return self.omega * np.cos(self.omega * z)


class Focal:
    """-Σ y (1 - a)^γ ln a, with a softmax output (Lin et al., 2017)."""

    def __init__(self, gamma):
        self.gamma = gamma

    def value(self, a, y):
        return -(y * (1 - a) ** self.gamma * np.log(a)).sum(axis=1)

    def delta(self, z, a, y):
        g = self.gamma
        by_a = y * (g * (1 - a) ** (g - 1) * np.log(a) - (1 - a) ** g / a)
        return a * (by_a - (by_a * a).sum(axis=1, keepdims=True))
