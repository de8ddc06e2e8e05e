"""What the tests know of the house that they throw everything at from outside."""

from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from domain.kernel import new_id
from tests.http.conftest import PASSWORD

MB = 1024 * 1024


@dataclass
class Besieged:
    """Hold the running house, a signed-in owner's header, and ids of what is in the owner's organisation."""

    url: str
    folder: Path
    owner: dict[str, str]
    email: str
    ids: dict[str, str]

    @property
    def api(self) -> psutil.Process:
        """Give the API's process."""
        return psutil.Process(int((self.folder / "run" / "api.pid").read_text()))

    @property
    def resident(self) -> float:
        """Tell how much memory the API's process has, in MB."""
        return float(self.api.memory_info().rss) / MB

    def sign_up(self) -> dict[str, str]:
        """Make the owner of a fresh organisation; gives the header that signs requests."""
        body = {"email": f"{new_id().hex}@example.com", "password": PASSWORD, "name": "Olga Owner"}
        answer = httpx.post(f"{self.url}/api/v1/auth/register", json=body, trust_env=False, timeout=30)
        assert answer.status_code == 201, answer.text
        return {"Authorization": f"Bearer {answer.json()['data']['token']}"}

    def is_well(self) -> bool:
        """Tell whether somebody else is served."""
        answer = httpx.get(f"{self.url}/api/v1/users/me", headers=self.owner, trust_env=False, timeout=10)
        return answer.status_code == 200
