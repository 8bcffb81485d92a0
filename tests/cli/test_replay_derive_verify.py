"""``callback-bridge replay derive --verify``: stored signatures checked again, old tokens named."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.journals import KEY, OLD_KEY, OLD_TOKEN, Journal, account, filled, lines, put
from tests.support.cli import run
from tests.support.kafka import Kafka
from tests.support.stored_calls import calls

pytest_plugins = ("tests.support.kafka_fixtures",)


@pytest.fixture
async def journal(kafka: Kafka, prefix: str) -> Journal:
    return await filled(kafka, prefix)


def test_signatures_are_checked_again_and_a_key_that_is_gone_is_named(journal: Journal) -> None:
    done = journal.derive("--verify")
    assert done.returncode == 1
    (end,) = lines(done)
    signatures = {one["key_id"]: one for one in end["signatures"]}
    assert signatures[KEY]["holds"] == 3
    assert signatures[OLD_KEY]["key_unknown"] == 3


def test_old_tokens_from_a_file_are_found_by_their_id(journal: Journal, tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    file.write_text(account(OLD_TOKEN))
    done = journal.derive("--verify", f"--tokens-file={file}")
    assert done.returncode == 0, done.stderr
    (end,) = lines(done)
    assert [(one["key_id"], one["holds"]) for one in end["signatures"]] == sorted(
        [(KEY, 3), (OLD_KEY, 3)]
    )
    assert OLD_TOKEN not in done.stderr


def test_a_callback_that_was_changed_in_the_journal_is_shown(journal: Journal) -> None:
    one = next(calls(1, placed_at=datetime.now(UTC), prefix=journal.prefix))  # noqa: TID251
    value = one.journal.value.replace(b"To=14155550123", b"To=14155550666")
    forged = one.journal._replace(value=value)
    put(journal, [*one.records[:1], forged])
    done = journal.derive("--verify", "--diff", "--since=10m")
    assert done.returncode == 1
    found = {line["state"]: line for line in lines(done)}
    assert found["does_not_hold"]["key_id"] == KEY
    assert found["does_not_hold"]["fault"] == "wrong_signature"
    paths = [of["path"] for of in found["changed"]["differences"]]
    assert "data.to.e164" in paths


def test_a_terminal_shows_wrong_signatures_and_underivable_callbacks(
    journal: Journal, terminal: None
) -> None:
    first = journal.first[0].journal
    forged = first._replace(value=first.value.replace(b"To=1", b"To=2"), headers=())
    put(journal, [forged, first._replace(value=b"{}", headers=())])
    done = journal.derive("--diff", "--verify")
    assert done.returncode == 1
    assert f"key {KEY}: wrong_signature" in done.stdout
    assert "cannot derive" in done.stdout
    assert "not_a_journal_record" in done.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("oops", "not JSON"),
        (
            '[{"auth_id": "MA0", "auth_tokens": ["secret"], "timezone": "UTC"}]',
            "[0].auth_id: an auth id is MA",
        ),
        ('{"auth_id": "secret"}', "accounts are a list, even of one"),
    ],
)
def test_a_tokens_file_that_is_none_is_refused_and_not_quoted(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "old.json"
    file.write_text(text)
    done = run(
        "replay",
        "derive",
        "--verify",
        f"--tokens-file={file}",
        kafka_bootstrap_servers="127.0.0.1:1",
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert "secret" not in done.stderr
