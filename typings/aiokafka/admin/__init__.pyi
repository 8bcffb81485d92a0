from collections.abc import Mapping, Sequence
from ssl import SSLContext
from typing import Any

from aiokafka.abc import AbstractTokenProvider
from aiokafka.admin.config_resource import ConfigResource

class NewTopic:
    def __init__(
        self,
        name: str,
        num_partitions: int,
        replication_factor: int,
        topic_configs: Mapping[str, str] | None = ...,
    ) -> None: ...

class NewPartitions:
    def __init__(self, total_count: int) -> None: ...

class _TopicErrors:
    topic_errors: Sequence[tuple[str, int, str | None]]

class _Resources:
    resources: Sequence[tuple[Any, ...]]

class AIOKafkaAdminClient:
    def __init__(
        self,
        *,
        bootstrap_servers: str = ...,
        client_id: str = ...,
        request_timeout_ms: int = ...,
        security_protocol: str = ...,
        ssl_context: SSLContext | None = ...,
        sasl_mechanism: str = ...,
        sasl_plain_username: str | None = ...,
        sasl_plain_password: str | None = ...,
        sasl_oauth_token_provider: AbstractTokenProvider | None = ...,
    ) -> None: ...
    async def start(self) -> None: ...
    async def close(self) -> None: ...
    async def list_topics(self) -> list[str]: ...
    async def describe_topics(self, topics: Sequence[str] | None = ...) -> list[dict[str, Any]]: ...
    async def describe_configs(
        self, config_resources: Sequence[ConfigResource]
    ) -> list[_Resources]: ...
    async def alter_configs(
        self, config_resources: Sequence[ConfigResource]
    ) -> list[_Resources]: ...
    async def create_topics(self, new_topics: Sequence[NewTopic]) -> _TopicErrors: ...
    async def create_partitions(
        self, topic_partitions: Mapping[str, NewPartitions]
    ) -> _TopicErrors: ...
