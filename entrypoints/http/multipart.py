"""Read a form with one file as it arrives: never whole in memory, never past the limit."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from litestar import Request
from multipart import (  # type: ignore[import-untyped]  # it ships no types
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from domain.kernel import Invalid
from entrypoints.http.errors import Refused
from entrypoints.http.operation import SAID

_LARGEST_FIELD = 1_000
_MOST_PARTS = 10
_AROUND_THE_FILE = 10_000
_FIELDS = frozenset({"dataset_id"})


class FileForm:
    """Be the `SentFile` of a request; the fields around the file are known once it has been read.

    Under an Idempotency-Key file, name and fields become part of what the request says; the form's boundary does not.
    """

    def __init__(self, request: Request[Any, Any, Any], largest: int) -> None:
        self._request = request
        self._largest = largest
        self._fields: dict[str, bytes] = {}
        self._filename: str | None = None
        self._said = request.scope["state"].get(SAID)
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        if kind != "multipart/form-data" or not options.get("boundary"):
            raise Refused("UNSUPPORTED_MEDIA_TYPE", "Send the file as multipart/form-data, in a field named file.")
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > largest + _AROUND_THE_FILE:
            raise self._too_large()
        self._boundary: str = options["boundary"]

    def _too_large(self) -> Refused:
        return Refused("PAYLOAD_TOO_LARGE", f"A file may have at most {self._largest:,} bytes.")

    @property
    def filename(self) -> str | None:
        """Tell the name the file was sent under."""
        return self._filename

    @property
    def dataset_id(self) -> UUID | None:
        """Tell the dataset the file was sent for."""
        given = self._fields.get("dataset_id", b"").decode("utf-8", "replace").strip()
        if not given:
            return None
        try:
            return UUID(given)
        except ValueError:
            raise Invalid("dataset_id is not an id.", field="dataset_id") from None

    async def chunks(self) -> AsyncIterator[bytes]:
        """Give the file's bytes; refuse what is no form, has no file, or grows too large."""
        part: MultipartSegment | None = None
        size = 0
        found = False
        content = hashlib.sha256()
        try:
            parser = PushMultipartParser(self._boundary, max_segment_count=_MOST_PARTS, strict=True)
            async for piece in self._request.stream():
                for event in parser.parse(piece):
                    if isinstance(event, MultipartSegment):
                        part = event
                        if self._is_file(event):
                            if found:
                                raise Invalid("Send one file at a time.", field="file")
                            found, self._filename = True, event.filename
                    elif event is None or part is None:
                        part = None
                    elif self._is_file(part):
                        size += len(event)
                        if size > self._largest:
                            raise self._too_large()
                        if self._said is not None:
                            content.update(event)
                        yield bytes(event)
                    else:
                        self._keep(part, event)
            parser.close()
        except MultipartError as error:
            raise Invalid("The form cannot be read; was it sent whole?", field="file") from error
        if not found:
            raise Invalid("No file was sent; put it into a field named file.", field="file")
        if self._said is not None:
            self._said.update(content.digest() + repr((self._filename, sorted(self._fields.items()))).encode())

    def _is_file(self, part: MultipartSegment) -> bool:
        return bool(part.name == "file")

    def _keep(self, part: MultipartSegment, piece: bytes | bytearray) -> None:
        name = part.name or ""
        if name not in _FIELDS:
            raise Invalid("There is no such field.", field=name.replace("\0", "")[:100] or "form")
        kept = self._fields.get(name, b"") + bytes(piece)
        if len(kept) > _LARGEST_FIELD:
            raise Invalid("This field is too long.", field=name)
        self._fields[name] = kept
