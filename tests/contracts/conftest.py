"""What the contracts of all that asks a model share."""

from collections.abc import Iterator

import pytest

from tests.contracts.aimock_process import aimock


@pytest.fixture(scope="module")
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the stand-in with the module's `ANSWERS`."""
    with aimock(tmp_path_factory.mktemp("aimock"), request.module.ANSWERS) as url:
        yield url
