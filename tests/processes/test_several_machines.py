"""Two machines that share nothing but servers: the demo's proofs hold on them, whatever is lost meanwhile."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest

from entrypoints.config import CHECKOUT
from entrypoints.demo.__main__ import prove
from entrypoints.demo.books import Books
from entrypoints.demo.calendar import start_of_story
from entrypoints.demo.client import Client
from entrypoints.demo.proofs import accepted_exactly_once
from entrypoints.demo.story import EMAIL, ORGANIZATION, PASSWORD, Story
from tests.contracts.s3_process import BUCKET, S3Process, rclone
from tests.processes.separate_servers import SeparateServers, needs_rabbitmq
from tests.processes.several_machines import SeveralMachines
from tests.proofs import Note

LIST = CHECKOUT / "features" / "data" / "old-enquiries-uk-600.csv"


@pytest.fixture
def shared_files(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Keep files where both machines see them: in S3 where its stand-in is installed, else in a shared folder."""
    if rclone() is None:
        yield {"RAPPORT_FILES_URL": f"file://{tmp_path}/files"}
        return
    s3 = S3Process(tmp_path)
    s3.start()
    try:
        yield {"RAPPORT_FILES_URL": f"s3://{BUCKET}/files", **s3.variables}
        assert s3.left(), "nothing was kept in S3"
    finally:
        s3.stop()


@pytest.mark.prove
def test_two_machines_share_the_work_and_one_alone_goes_on(tmp_path: Path) -> None:
    short = tmp_path / "forty.csv"
    with LIST.open("rb") as whole:
        short.write_bytes(b"".join(islice(whole, 41)))
    shared = {"RAPPORT_FILES_URL": f"file://{tmp_path}/files"}
    with SeparateServers(rabbitmq=False) as servers, SeveralMachines(servers, "7", shared) as house:
        client = Client(house.url)
        client.set_up(EMAIL, PASSWORD, ORGANIZATION)
        dataset = client.call("POST", "/datasets", json={"name": "Old enquiries"})["id"]
        imported = client.import_list(dataset, short)["result"]
        client.set_clock(start_of_story(client.clock()[0]))
        settings = {"rate_limit_messages_per_minute": 6000}
        client.call("POST", "/campaigns/start", json={"dataset_id": dataset, "settings": settings})
        lost = house.lose("a")
        assert sorted(lost) == ["a-api", "a-relay", "a-scheduler", "a-worker-1"]
        client.settle()
        client.set_clock(client.clock()[0] + timedelta(hours=1))
        client.settle()
        texts = Books(house.folder / "sandbox").texts()
        proof = accepted_exactly_once(texts, list(client.every("/messages", direction="outbound")))
        assert proof.holds, str(proof)
        assert len(texts) >= imported["imported"]["successful"] - imported["ineligible"] > 20
        assert set(house.balancer.taken) == set(house.apis.values())


@pytest.mark.prove
@needs_rabbitmq()
def test_the_demos_proofs_hold_while_servers_and_a_machine_are_lost(shared_files: dict[str, str], proved: Note) -> None:
    with SeparateServers(rabbitmq=True) as servers, SeveralMachines(servers, "rapport", shared_files) as house:
        client = Client(house.url)
        trouble = Trouble(servers, house)
        doctor = house.run("doctor")
        assert doctor.returncode == 0, doctor.stdout + doctor.stderr
        story = Story(client, house, Books(house.folder / "sandbox"), trouble.told, lambda _: None)
        story.play(LIST)
        proofs = prove(story)
        assert all(proof.holds for proof in proofs), "\n".join(map(str, proofs)) + house.logs()
        assert trouble.done == ["RabbitMQ was killed", "Redis and RabbitMQ were wiped", "machine a was lost"]
        once, stops, hours, held = (proof.kept for proof in proofs)
        files = "files in S3 (rclone)" if rclone() else "files in a shared folder (no rclone here, so no S3)"
        proved(
            1,
            f"two machines, PostgreSQL, Redis, RabbitMQ, {files}: {once} texts once, {stops} STOPs kept, {hours} within"
            f" hours, {held} threads left alone while a person held them; lost a worker, RabbitMQ, all that it and"
            " Redis held, then a machine",
        )


class Trouble:
    """Make something fail when the story has told of something, right before it goes on."""

    def __init__(self, servers: SeparateServers, house: SeveralMachines) -> None:
        self.done: list[str] = []
        self._servers = servers
        self._house = house

    def told(self, sentence: str) -> None:
        """Follow the story."""
        if "is killed while it hands over" in sentence:
            self._servers.restart_rabbitmq()
            self.done.append("RabbitMQ was killed")
        elif "a person answers" in sentence:
            self._servers.empty_redis()
            self._servers.restart_rabbitmq(wiped=True)
            self.done.append("Redis and RabbitMQ were wiped")
        elif "handed back to the campaign" in sentence:
            self._house.lose("a")
            self.done.append("machine a was lost")
