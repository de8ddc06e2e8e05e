"""A worker killed while notifications' mails are with the provider: none lost, none doubled."""

import json
from collections import Counter

from entrypoints.demo.client import Client
from entrypoints.demo.house import House
from tests.processes.office import wait_for

TITLES = [f"News {number}" for number in range(6)]


def test_a_killed_worker_loses_and_doubles_no_mail_of_a_notification() -> None:
    with House("killed-notifications", 1, None, keep=False) as house:
        client = Client(house.url)
        client.set_up("olga@bright.example", "correct horse battery staple", "Bright Windows")
        me = client.call("GET", "/users/me")["id"]
        books = house.folder / "sandbox" / "mails.jsonl"
        made = client.call("POST", "/api-keys", json={"name": "Program", "permissions": ["notifications:send"]})
        program = Client(house.url)
        program.headers["Authorization"] = f"Bearer {made['key']}"
        # The first mail is not taken before the kill, the second is; neither gets an answer.
        for fault in ("timeout_before_accept", "timeout_after_accept"):
            client.call("POST", "/sandbox/faults", json={"capability": "email", "fault": fault, "next": 1})
        for title in TITLES:
            body = {"user_id": me, "channels": ["in_app", "email"], "title": title, "message": "See for yourself."}
            program.call("POST", "/notifications/send", json=body)

        def taken() -> list[str]:
            if not books.exists():
                return []
            lines = books.read_bytes().rpartition(b"\n")[0].splitlines()
            return [json.loads(line)["subject"].partition(" – ")[0] for line in lines]

        wait_for(lambda: len(taken()) >= 1, 90, "a mail is taken", 0.1)
        house.kill("worker-1")
        wait_for(lambda: len(taken()) >= len(TITLES), 90, "all mails are taken", 0.1)
        client.settle()
        assert Counter(taken()) == dict.fromkeys(TITLES, 1)
        listed = client.call("GET", "/notifications")
        assert sorted(one["title"] for one in listed) == TITLES
        program.close()
        client.close()
