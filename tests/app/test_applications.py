"""The applications of a running bridge: those of the rules in use, reached only once one is named."""

import subprocess
import sys
from pathlib import Path

import pytest

from bridge.app.applications import LateApplications
from bridge.app.rules_file import load_replies
from bridge.core.catalogue import Catalogue
from bridge.core.journal import SentReply
from bridge.reply.applications import ApplicationFailed
from bridge.reply.rules import Rules
from bridge.settings.load import load
from tests.support.bridge import ACCOUNTS
from tests.support.customer_application import DOCUMENT, customer_application
from tests.support.factories import raw_callback

RULES = '[applications.ivr]\norigin = "{}"\n[[rules]]\nname = "r"\nforward = "ivr"\n'


def write_rules(folder: Path, origin: str) -> Path:
    path = folder / "rules.toml"
    path.write_text(RULES.format(origin))
    return path


async def test_the_origin_is_that_of_the_rules_in_use(types: Catalogue, tmp_path: Path) -> None:
    settings = load(None, accounts=ACCOUNTS)
    kind = types.by_name["voice.call.answer"]
    replies = load_replies(None, types).replies
    applications = LateApplications(settings, replies)
    try:
        with pytest.raises(ApplicationFailed, match="no longer name it"):
            await applications.ask("ivr", raw_callback(), kind)
        async with customer_application() as served:
            loaded = load_replies(write_rules(tmp_path, served.origin), types).replies
            replies.replace_rules(loaded.rules)
            answer = await applications.ask("ivr", raw_callback(), kind)
            assert answer.reply == SentReply(200, "text/xml", DOCUMENT)
            replies.replace_rules(Rules((), (), types))
            with pytest.raises(ApplicationFailed, match="no longer name it"):
                await applications.ask("ivr", raw_callback(), kind)
            assert len(served.received) == 1
    finally:
        await applications.close()


@pytest.mark.system
@pytest.mark.parametrize(("named", "imported"), [(True, "True"), (False, "False")])
def test_httpx_is_imported_at_the_start_only_if_the_rules_name_an_application(
    tmp_path: Path, *, named: bool, imported: str
) -> None:
    file = repr(str(write_rules(tmp_path, "http://127.0.0.1:9"))) if named else "None"
    script = f"""
import sys
from pathlib import Path
from bridge.app.applications import LateApplications
from bridge.app.rules_file import load_replies
from bridge.core.catalogue import load_catalogue
from bridge.settings.load import load
file = {file}
replies = load_replies(Path(file) if file else None, load_catalogue()).replies
LateApplications(load(None, accounts={ACCOUNTS!r}), replies)
print("httpx" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == imported
