from collections.abc import Sequence

class RecordMetadata:
    @property
    def size(self) -> int: ...

class BatchBuilder:
    def append(
        self,
        *,
        timestamp: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]] = ...,
    ) -> RecordMetadata | None: ...
    def size(self) -> int: ...
    def record_count(self) -> int: ...
