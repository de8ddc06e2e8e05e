"""The demo's client: the API and nothing else, as any program of a customer's would use it."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from domain.kernel import Conflict, new_id

_SETTLE_SECONDS = 90.0
_JOB_SECONDS = 300.0
_UNDER_WAY = ("queued", "running")
_ASKED_AGAIN = 5


class Client:
    """Call the API as one person; what it refuses is a `Conflict` with its sentence."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/api/v1", timeout=40, trust_env=False)

    @property
    def headers(self) -> httpx.Headers:
        """Tell what is said with each call: who calls."""
        return self._http.headers

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def answer(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Call and give the whole answer, refusals too; a busy house (503) is asked again, under the same key."""
        if method == "POST" and "json" in options:
            options["headers"] = {"Idempotency-Key": str(new_id()), **options.get("headers", {})}
        answer = self._http.request(method, path, **options)
        for _ in range(_ASKED_AGAIN):
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(float(answer.headers.get("retry-after", "1")))
            answer = self._http.request(method, path, **options)
        return answer

    def call(self, method: str, path: str, **options: Any) -> Any:
        """Call and give the data of the answer."""
        answer = self.answer(method, path, **options)
        if not answer.is_success:
            raise Conflict(f"{method} {path} answered {answer.status_code}: {answer.text[:500]}")
        return answer.json()["data"] if answer.content else None

    def every(self, path: str, **narrowed: Any) -> Iterator[dict[str, Any]]:
        """List everything, page by page."""
        cursor: str | None = None
        while True:
            asked = {**narrowed, "limit": 100} | ({"cursor": cursor} if cursor else {})
            answer = self.answer("GET", path, params=asked)
            if not answer.is_success:
                raise Conflict(f"GET {path} answered {answer.status_code}: {answer.text[:500]}")
            page = answer.json()
            yield from page["data"]
            cursor = page["pagination"]["next_cursor"]
            if cursor is None:
                return

    def set_up(self, email: str, password: str, organization: str) -> None:
        """Make the first owner and sign in."""
        body = {"email": email, "password": password, "first_name": "Olga", "organization_name": organization}
        token = self.call("PUT", "/auth", json=body)["token"]
        self._http.cookies.clear()
        self._http.headers["Authorization"] = f"Bearer {token}"

    def import_list(self, dataset_id: str, path: Path) -> Any:
        """Upload a CSV, take every suggested column, and give the import's finished job."""
        with path.open("rb") as file:
            sent = {"file": (path.name, file, "text/csv")}
            upload = self.call("POST", "/datasets/upload", files=sent, data={"dataset_id": dataset_id})
        mapping = {
            column["suggested_mapping"]: column["name"] for column in upload["columns"] if column["suggested_mapping"]
        }
        body = {"upload_id": upload["id"], "dataset_id": dataset_id, "column_mapping": mapping}
        return self.finished(self.call("POST", "/datasets/map-and-import", json=body)["job_id"])

    def finished(self, job_id: str) -> Any:
        """Wait for a job's good end, and give it."""
        ends = time.monotonic() + _JOB_SECONDS
        job = self.call("GET", f"/jobs/{job_id}", headers={"Prefer": "wait=30"})
        while job["status"] in _UNDER_WAY and time.monotonic() < ends:
            job = self.call("GET", f"/jobs/{job_id}", headers={"Prefer": "wait=30"})
        if job["status"] != "done":
            raise Conflict(f"A job did not end well: {job}")
        return job

    def clock(self) -> tuple[datetime, datetime | None]:
        """Tell business time and when the next thing is due."""
        told = self.call("GET", "/sandbox/clock")
        due = told["next_due_at"]
        return datetime.fromisoformat(told["now"]), None if due is None else datetime.fromisoformat(due)

    def set_clock(self, to: datetime) -> None:
        """Move business time forward to an instant."""
        answer = self.answer("POST", "/sandbox/clock", json={"set": to.astimezone(UTC).isoformat()})
        if not answer.is_success and self.clock()[0] < to:
            raise Conflict(f"The clock does not move: {answer.text}")

    def settle(self) -> None:
        """Wait until nothing is under way."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while not (told := self.call("POST", "/sandbox/settle"))["settled"]:
            if time.monotonic() > deadline:
                raise Conflict(f"The house does not settle: {told['waiting']}")
