from collections.abc import Sequence
from typing import Any

class RecordMetadata:
    @property
    def size(self) -> int: ...

class BatchBuilder:
    _builder: Any
    _relative_offset: int
    def append(
        self,
        *,
        timestamp: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]] = ...,
    ) -> RecordMetadata | None: ...
    def close(self) -> None: ...
    def closed(self) -> bool: ...
    def size(self) -> int: ...
    def record_count(self) -> int: ...
