"""Models of the penguins in files, and a folder to work in."""

import pytest

from tables_in_files import train


@pytest.fixture(scope="session")
def sex(tmp_path_factory):
    """A model of the penguins' sex, in a file."""
    return train("sex", tmp_path_factory.mktemp("models") / "sex.npz")


@pytest.fixture(scope="session")
def mass(tmp_path_factory):
    """A model of their mass."""
    return train("body_mass_g", tmp_path_factory.mktemp("models") / "mass.npz")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path
