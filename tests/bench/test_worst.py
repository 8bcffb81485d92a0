"""What the dearest requests that are known make the bridge do: operations are counted, and no time."""

import io
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from starlette.routing import Router

from bridge.core import json_object, json_readings, parameters, signature, signed_messages
from bridge.core.keyring import HASHED_BYTES_MAX, HMAC_BYTES
from bridge.core.signature import HashedToken
from bridge.core.url_mismatch import DIAGNOSIS_HASHED_BYTES_MAX
from bridge.telemetry import logs
from tests.bench.strangers import BODY_BYTES_MAX, QUERY_BYTES_MAX, Stranger, grid
from tests.bench.worst import ACCOUNT, KEPT, TOKENS, answer, application, changed, kept, table

PARAMETERS_MAX = 512
# A name and a value each, and what made it one too many.
DECODED_MAX = 2 * PARAMETERS_MAX + 2


@pytest.fixture(scope="module")
def apps() -> dict[int, Router]:
    logs.configure("json", "error", io.StringIO())
    return {tokens: application(tokens) for tokens in TOKENS}


class Counted:
    """How often each operation was done, and how many bytes were hashed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times: Counter[str] = Counter()
        self.hashed_bytes = 0
        for module, name in (
            (json_object, "_scalar"),
            (parameters, "_unescape"),
            (parameters, "decode_parameters"),
            (json_readings, "_join_python_text"),
            (signed_messages.signature, "encode_as_python"),
        ):
            monkeypatch.setattr(module, name, self._counting(name, getattr(module, name)))
        sign = signature.sign_with

        def signing(token: HashedToken, message: bytes) -> bytes:
            self.hashed_bytes += len(message) + HMAC_BYTES
            return sign(token, message)

        monkeypatch.setattr(signature, "sign_with", signing)

    def _counting(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*given: Any, **named: Any) -> Any:
            self.times[name] += 1
            return call(*given, **named)

        return counting


REQUESTS = {path.name: one for path, one in zip(sorted(KEPT.glob("*.json")), kept(), strict=True)}
REQUESTS |= {f"grid {place}": one for place, one in enumerate(grid()[::37])}


@pytest.mark.parametrize("tokens", TOKENS)
@pytest.mark.parametrize("stranger", REQUESTS.values(), ids=REQUESTS)
async def test_the_work_for_the_dearest_requests_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
    apps: dict[int, Router],
    stranger: Stranger,
    tokens: int,
) -> None:
    counted = Counted(monkeypatch)
    status, _ = await answer(apps[tokens], stranger)
    assert status in {400, 403}
    assert counted.times["decode_parameters"] == 1
    assert counted.times["_scalar"] <= DECODED_MAX
    assert counted.times["_unescape"] <= DECODED_MAX
    # Once to verify and once for a URL mismatch, and as often for the scheme of the agent SDKs.
    assert counted.times["_join_python_text"] <= 2 * json_readings.ELEMENTS_MAX
    assert counted.times["encode_as_python"] <= 2
    assert counted.hashed_bytes <= HASHED_BYTES_MAX + DIAGNOSIS_HASHED_BYTES_MAX
    if status == 400:
        assert counted.hashed_bytes == 0


def test_a_search_has_something_to_begin_with_and_changes_one_thing_at_a_time() -> None:
    assert REQUESTS
    one = Stranger()
    for seed in range(50):
        other = changed(one, random.Random(seed))
        assert len(other.body(ACCOUNT)) <= BODY_BYTES_MAX + len(ACCOUNT) + 32
        assert len(other.query()) <= QUERY_BYTES_MAX
        assert other.kept.count(":") <= one.kept.count(":") + 2


async def test_the_table_has_a_row_a_request_and_a_cost_for_each_number_of_tokens() -> None:
    rows = await table(kept()[:2])
    assert [list(costs) for _, _, costs in rows] == [list(TOKENS)] * 2
    assert all(status in {400, 403} for _, status, _ in rows)
