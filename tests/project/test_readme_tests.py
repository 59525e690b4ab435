"""The tests that the guides show pass as they stand: their ``python test`` blocks, each in a separate run."""

import re

import pytest
from fakes.guides import blocks

pytest_plugins = ["pytester"]

BLOCKS = [block.text for block in blocks("python test")]
TEST = re.compile(r"^\s*(?:async )?def (test_\w+)", re.MULTILINE)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: TEST.findall(block)[0])
def test_a_block_of_tests_passes(block, pytester):
    """pytest runs every test of the block, and no warning comes of it."""
    tests = len(TEST.findall(block))
    pytester.makepyfile(test_readme_block=block)
    (configuration,) = [block.text for block in blocks("toml")]
    pytester.makepyprojecttoml(configuration)
    result = pytester.runpytest("-W", "error")
    result.assert_outcomes(passed=tests)
    assert "asyncio: mode=Mode.AUTO" in result.stdout.str()
