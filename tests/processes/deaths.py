"""What kills, in the proofs that nobody is texted twice whatever dies: the same whoever carries the texts."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.processes.office import Office

KILLS = 20
OTHERS = {5: "relay", 7: "valkey", 9: "postgres", 11: "relay", 13: "valkey", 15: "postgres", 17: "scheduler"}
AS_TOLD = f"worker killed x{KILLS}, relay x2, scheduler x1, Valkey killed and wiped x2, PostgreSQL x2"


@dataclass(frozen=True)
class Carrier:
    """Hold how many texts a carrier took, how it loses the answers to the next ones, and how PostgreSQL dies."""

    taken: Callable[[], int]
    lose: Callable[[int], None]
    kill_postgresql: Callable[[], object]


def whatever_dies(office: Office, carrier: Carrier, dice: random.Random, texts: int) -> int:
    """Kill workers again and again while four of five texts go out, and other parts between; tells how many answers
    were to be lost."""
    between = texts * 3 // 100, texts * 48 // 1000
    to_lose = 0
    for number in range(1, KILLS + 1):
        if number % 3 == 0:
            carrier.lose(5)
            to_lose += 5
        office.kill_after(dice.randrange(*between), dice, carrier.taken)
        match OTHERS.get(number):
            case "valkey":
                office.wipe_valkey()
            case "postgres":
                carrier.kill_postgresql()
            case str(other):
                office.house.kill(other)
        print(f"kill {number}: {carrier.taken()} texts accepted")
    return to_lose
