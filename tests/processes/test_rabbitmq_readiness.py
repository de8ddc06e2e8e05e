"""RabbitMQ as Debian ships it, looked at as readiness does: well, refusing us, standing still, gone."""

import time

import pytest

from adapters.queue.broker import look_at_rabbitmq
from tests.processes.office import wait_for
from tests.processes.separate_servers import PASSWORD, SeparateServers, needs_rabbitmq

REFUSED = "refuses our name, password or virtual host"
SECONDS = 2.0


@needs_rabbitmq()
def test_what_is_wrong_with_rabbitmq_is_told_in_time(capsys: pytest.CaptureFixture[str]) -> None:
    with SeparateServers(rabbitmq=True) as servers:
        url = servers.rabbitmq_url
        assert look_at_rabbitmq(url, SECONDS) == "ok"
        assert look_at_rabbitmq(url.replace(PASSWORD, "another"), SECONDS) == REFUSED
        assert look_at_rabbitmq(f"{url}/nowhere", SECONDS) == REFUSED
        with servers.hung("rabbitmq"):
            start = time.monotonic()
            assert look_at_rabbitmq(url, SECONDS) == "cannot be reached"
            assert time.monotonic() - start < SECONDS + 1
        wait_for(lambda: look_at_rabbitmq(url, SECONDS) == "ok", 20, "RabbitMQ is well again", 0.2)
        servers.kill("rabbitmq")
        assert look_at_rabbitmq(url, SECONDS) == "cannot be reached"
    assert capsys.readouterr().err == ""
