"""Replay the requests themselves: send each callback again as Plivo sent it.

1. Method, path, query, body and the stored headers (with the signature) are the journal's, byte for
   byte; only ``host`` is the target's. The headers ``x-replay-id``, ``x-replay-source`` and
   ``x-replay-at`` mark the request as a replay.
2. Requests of one partition, and so of one call, are sent one after the other; partitions run in
   parallel.
3. Any status below 500 except 429 counts as an answer. Without an answer the request is retried a few
   times; then the replay stops and can be resumed.
4. A record that is not a journal record cannot be sent, now or later: it is counted and skipped. So
   is a journal record that is no callback, which is no fault and counted apart.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
import orjson
from aiokafka.structs import ConsumerRecord

from bridge.reader.journal import NotAJournalRecord, decode_body, is_callback
from bridge.reader.selection import format_position
from bridge.replay import CannotWrite, CheckpointPolicy, ReplayRun, TargetState
from bridge.telemetry.masking import mask_url

# At most this many requests are sent but not yet in the progress file: a crash repeats them.
CHECKPOINT_REQUESTS_MAX: Final = 100
_CHECKPOINT_S: Final = 1.0
_TIMEOUT_S: Final = 30.0
_ATTEMPTS_MAX: Final = 5
_RETRY_S: Final = 0.5
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_PORT_MAX: Final = 65_535
# Positions beyond these are only counted.
_LISTED_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A request read from the journal."""

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class HttpTarget:
    """Sends records as requests: rules 1 to 4."""

    checkpoint_policy = CheckpointPolicy(CHECKPOINT_REQUESTS_MAX, _CHECKPOINT_S)

    def __init__(self, client: httpx.AsyncClient, base: str, run: ReplayRun) -> None:
        self._client = client
        self._base = base.rstrip("/")
        self._path = httpx.URL(self._base).raw_path.rstrip(b"/")
        self._run = run
        self._statuses: Counter[str] = Counter()
        self._not_requests = 0
        self._not_requests_at: list[str] = []
        self._other_records = 0

    def open(self, state: TargetState | None) -> None:
        """Continue the counts of ``state``."""
        if state is not None:
            self._statuses = Counter(state["statuses"])
            self._not_requests = state.get("not_requests", 0)
            self._not_requests_at = list(state.get("not_requests_at", []))
            self._other_records = state.get("other_records", 0)

    async def write(self, records: Sequence[ConsumerRecord]) -> None:
        """Send the records' requests, and return when each one is answered: rule 2."""
        partitions: defaultdict[tuple[str, int], list[ConsumerRecord]] = defaultdict(list)
        for record in records:
            partitions[record.topic, record.partition].append(record)
        tasks = [asyncio.create_task(self._send_in_order(one)) for one in partitions.values()]
        try:
            await asyncio.gather(*tasks)
        finally:
            # If one fails, gather() leaves the others running.
            for task in tasks:
                task.cancel()

    async def flush(self) -> TargetState:
        """Return how many answers had each status, and the records that are not requests."""
        return {
            "statuses": dict(self._statuses),
            "not_requests": self._not_requests,
            "not_requests_at": list(self._not_requests_at),
            "other_records": self._other_records,
        }

    async def finish(self) -> None:
        """Do nothing: every request was answered."""

    async def _send_in_order(self, records: Sequence[ConsumerRecord]) -> None:
        for record in records:
            if not is_callback(record):  # rule 4
                self._other_records += 1
                continue
            try:
                status = await self._send(record)
            except NotAJournalRecord:  # rule 4
                self._not_requests += 1
                if len(self._not_requests_at) < _LISTED_MAX:
                    self._not_requests_at.append(format_position(record))
            else:
                self._statuses[str(status)] += 1

    async def _send(self, record: ConsumerRecord) -> int:
        """Return the status of the answer: rule 3. Raises NotAJournalRecord and CannotWrite."""
        source = format_position(record)
        request = parse_request(record.value or b"")
        headers = [
            *request.headers,
            (b"x-replay-id", self._run.id.encode()),
            (b"x-replay-source", source.encode()),
            (b"x-replay-at", self._run.at.encode()),
        ]
        why = ""
        for attempt in range(_ATTEMPTS_MAX):
            if attempt:
                await asyncio.sleep(_RETRY_S * 2**attempt)
            try:
                answer = await self._client.request(
                    request.method,
                    self._base,
                    headers=headers,
                    content=request.body,
                    # The target as bytes, because httpx would normalise the escapes of a URL, and the
                    # signature would no longer match.
                    extensions={"target": self._path + request.target},
                )
            except httpx.HTTPError as error:
                why = f"{type(error).__name__} {error}".strip()
                continue
            if answer.status_code < _SERVER_ERROR and answer.status_code != _TOO_MANY:
                return answer.status_code
            why = f"answered {answer.status_code}"
        message = (
            f"{mask_url(self._base)}: {why}, {_ATTEMPTS_MAX} times, to the callback at {source}"
        )
        raise CannotWrite(message)


def create_client() -> httpx.AsyncClient:
    """Return an HTTP client that follows no redirect and adds no header of its own."""
    client = httpx.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False)
    client.headers.clear()  # httpx sets accept, user-agent and others
    return client


def is_base_url(url: str) -> bool:
    """Return True if paths can be appended to the URL."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    has_host = bool(parts.host) and 0 < (parts.port or 80) <= _PORT_MAX
    return parts.scheme in {"http", "https"} and has_host and not (parts.query or parts.fragment)


def parse_request(value: bytes) -> StoredRequest:
    """Return the request in a journal record's value: rule 1. Raises NotAJournalRecord."""
    try:
        parsed: dict[str, Any] = orjson.loads(value)
        query = parsed["query"]
        target = f"{parsed['path']}?{query}" if query else parsed["path"]
        return StoredRequest(
            method=parsed["method"],
            target=target.encode("latin-1"),
            headers=tuple(
                (name.encode("latin-1"), text.encode("latin-1"))
                for name, text in parsed["headers"]
                if name != "host"
            ),
            body=decode_body(parsed),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = "no request in it"
        raise NotAJournalRecord(message) from error
