"""Requests are counted whatever becomes of them."""

import asyncio

import pytest

from realage.service.middleware import CountRequests
from realage.service.telemetry import Telemetry


@pytest.mark.parametrize("error, status", [(RuntimeError, "500"), (asyncio.CancelledError, "none")])
def test_an_answer_that_failed_counts_as_500_and_a_client_that_left_as_none(error, status):
    async def failing(*_: object) -> None:
        raise error

    telemetry = Telemetry()
    with pytest.raises(error):
        asyncio.run(CountRequests(failing, telemetry, "/v1/ages")({"type": "http", "path": "/v1/ages"}, None, None))
    assert f'realage_requests_total{{status="{status}"}} 1.0' in telemetry.text().decode()
