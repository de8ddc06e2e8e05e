"""A worker killed while invitations' mails are with the provider: none lost, none doubled."""

import json
from collections import Counter

import pytest

from entrypoints.demo.client import Client
from entrypoints.demo.house import House
from tests.processes.office import wait_for


@pytest.mark.prove
def test_mail_is_asked_about_after_a_kill_and_never_sent_twice() -> None:
    with House("killed-mail", 1, None, keep=False) as house:
        client = Client(house.url)
        client.set_up("olga@bright.example", "correct horse battery staple", "Bright Windows")
        books = house.folder / "sandbox" / "mails.jsonl"
        # The first mail is not taken before the kill, the second is; neither gets an answer.
        for fault in ("timeout_before_accept", "timeout_after_accept"):
            client.call("POST", "/sandbox/faults", json={"capability": "email", "fault": fault, "next": 1})
        invited = [
            client.call(
                "POST", "/users", json={"email": f"rita{n}@bright.example", "first_name": "Rita", "role": "rep"}
            )
            for n in range(2)
        ]

        def states() -> list[str]:
            return [client.call("GET", f"/users/{i['user']['id']}")["invitation"]["mail"] for i in invited]

        def taken() -> list[str]:
            return [json.loads(line)["to"] for line in books.read_bytes().rpartition(b"\n")[0].splitlines()]

        wait_for(
            lambda: "planned" not in states() and books.exists() and taken(), 60, "both mails are handed over", 0.1
        )
        house.kill("worker-1")
        wait_for(lambda: states() == ["accepted"] * 2, 60, "both mails are accepted", 0.1)
        client.settle()
        assert Counter(taken()) == {i["user"]["email"]: 1 for i in invited}
        client.close()
