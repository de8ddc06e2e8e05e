"""Passwords as argon2id hashes, computed on threads of their own."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type


class Argon2Passwords:
    """Hash at most one password a core at once: a rush of sign-ins queues here and leaves the loop free."""

    # OWASP's password storage cheat sheet, the first of its argon2id settings that stays below 50 MB.
    hasher: ClassVar = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="argon2")
        self._nobody = self.hasher.hash(os.urandom(16))

    async def hash(self, password: str) -> str:
        """Hash a new password."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Compare with a stored hash, or with nobody's, which takes as long."""
        loop = asyncio.get_running_loop()
        right = await loop.run_in_executor(self._threads, self._matches, password_hash or self._nobody, password)
        return right and password_hash is not None

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self.hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
