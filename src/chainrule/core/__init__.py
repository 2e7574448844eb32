"""The compiled core: Cython over C, one extension."""
