"""The part of aiokafka 0.14 that the bridge calls."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from ssl import SSLContext
from typing import Any, Literal

from aiokafka.abc import AbstractTokenProvider, ConsumerRebalanceListener
from aiokafka.client import AIOKafkaClient
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import ConsumerRecord, OffsetAndTimestamp, TopicPartition

class _Batch:
    future: asyncio.Future[object]
    _builder: BatchBuilder
    _drain_waiter: asyncio.Future[None]

class _Accumulator:
    _batches: Mapping[TopicPartition, Sequence[_Batch]]
    _pending_batches: Iterable[_Batch]
    _closed: bool
    _exception: BaseException | None
    def create_builder(self) -> BatchBuilder: ...
    def _append_batch(self, builder: BatchBuilder, tp: TopicPartition) -> _Batch: ...
    def fail_all(self, exception: BaseException) -> None: ...

class _Sender:
    @property
    def sender_task(self) -> asyncio.Task[None] | None: ...

class AIOKafkaProducer:
    client: AIOKafkaClient
    _sender: _Sender
    _message_accumulator: _Accumulator
    _closed: bool
    def __init__(
        self,
        *,
        bootstrap_servers: str = ...,
        client_id: str | None = ...,
        metadata_max_age_ms: int = ...,
        request_timeout_ms: int = ...,
        acks: Literal[0, 1, -1, "all"] = ...,
        compression_type: str | None = ...,
        max_batch_size: int = ...,
        max_request_size: int = ...,
        linger_ms: int = ...,
        security_protocol: str = ...,
        ssl_context: SSLContext | None = ...,
        enable_idempotence: bool = ...,
        sasl_mechanism: str = ...,
        sasl_plain_username: str | None = ...,
        sasl_plain_password: str | None = ...,
        sasl_oauth_token_provider: AbstractTokenProvider | None = ...,
    ) -> None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def flush(self) -> None: ...
    async def send(
        self,
        topic: str,
        value: bytes | None = ...,
        key: bytes | None = ...,
        partition: int | None = ...,
        timestamp_ms: int | None = ...,
        headers: Sequence[tuple[str, bytes]] | None = ...,
    ) -> asyncio.Future[object]: ...
    async def partitions_for(self, topic: str) -> set[int]: ...
    def create_batch(self) -> BatchBuilder: ...
    async def send_batch(
        self, batch: BatchBuilder, topic: str, *, partition: int
    ) -> asyncio.Future[object]: ...

class AIOKafkaConsumer:
    _client: AIOKafkaClient
    def __init__(
        self,
        *topics: str,
        bootstrap_servers: str = ...,
        client_id: str = ...,
        group_id: str | None = ...,
        enable_auto_commit: bool = ...,
        auto_offset_reset: Literal["earliest", "latest", "none"] = ...,
        request_timeout_ms: int = ...,
        session_timeout_ms: int = ...,
        rebalance_timeout_ms: int = ...,
        fetch_max_bytes: int = ...,
        max_partition_fetch_bytes: int = ...,
        security_protocol: str = ...,
        ssl_context: SSLContext | None = ...,
        sasl_mechanism: str = ...,
        sasl_plain_username: str | None = ...,
        sasl_plain_password: str | None = ...,
        sasl_oauth_token_provider: AbstractTokenProvider | None = ...,
    ) -> None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def assign(self, partitions: Iterable[TopicPartition]) -> None: ...
    def subscribe(self, topics: Sequence[str], *, listener: ConsumerRebalanceListener) -> None: ...
    def assignment(self) -> frozenset[TopicPartition]: ...
    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None: ...
    async def committed(self, partition: TopicPartition) -> int | None: ...
    def highwater(self, partition: TopicPartition) -> int | None: ...
    def seek(self, partition: TopicPartition, offset: int) -> None: ...
    def pause(self, *partitions: TopicPartition) -> None: ...
    def resume(self, *partitions: TopicPartition) -> None: ...
    async def seek_to_beginning(self, *partitions: TopicPartition) -> bool: ...
    async def seek_to_end(self, *partitions: TopicPartition) -> bool: ...
    async def position(self, partition: TopicPartition) -> int: ...
    async def beginning_offsets(
        self, partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, int]: ...
    async def end_offsets(
        self, partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, int]: ...
    async def offsets_for_times(
        self, timestamps: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, OffsetAndTimestamp | None]: ...
    async def getmany(
        self,
        *partitions: TopicPartition,
        timeout_ms: int = ...,
        max_records: int | None = ...,
    ) -> dict[TopicPartition, list[ConsumerRecord]]: ...
