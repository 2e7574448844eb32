"""The modules of Michael Nielsen's book "Neural Networks and Deep Learning", at compiled speed.

``network``, ``network2`` and ``mnist_loader`` take the place of the book's modules of the same
names, on Python 3: the same classes and functions, argument order, data (lists of pairs of
columns), return values, printed lines and JSON files. They draw random numbers from ``random`` and
``numpy.random`` in the order the originals did under Python 2, so seeded runs replay.

``eta``, ``lmbda`` and ``mini_batch_size`` are the book's words for the learning rate η, the L2
parameter λ and the batch size. Divisions are true divisions: ``eta=3`` means 3.0.
"""

from chainrule.book import mnist_loader, network, network2

__all__ = ["mnist_loader", "network", "network2"]
