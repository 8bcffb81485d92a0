"""Read BRIDGE_REPLIES_FILE and the documents that it names, and reload them while the bridge runs.

1. The names of documents are relative to the folder of the file.
2. The file and its documents count as one: if one of them changes, all are read and checked again. New
   rules are used only if none of them has an error.
3. A fault is reported with the file, the line and the rule.
4. A thread reads and checks the files. To check a hundred documents takes as long as many callbacks.
"""

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from bridge.app.watched_file import POLL_S, Unusable, WatchedFile, read_regular_file
from bridge.callbacks.model import CallbackType
from bridge.core.catalogue import Catalogue
from bridge.reply.document import BadDocument, Document, make_document
from bridge.reply.finding import Finding, Severity
from bridge.reply.replies import Replies
from bridge.reply.rule_file import RuleFinding, list_documents, parse_rules
from bridge.reply.rules import Rules
from bridge.settings.file import BadFile, SettingsFile, parse_settings_file
from bridge.telemetry.masking import mask_path
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

_DOCUMENTS_MAX: Final = 1_000


class RulesContent(NamedTuple):
    """The bytes of a file of rules and of its documents by name; a text says why there are none."""

    rules: bytes
    documents: Mapping[str, bytes | str]


@dataclass(frozen=True, slots=True)
class LocatedFinding:
    """A fault of the file of rules or of a document, with its place. ``rule`` is its subject."""

    file: Path
    line: int | None
    severity: Severity
    rule: str
    element: str | None
    fault: str
    remedy: str

    @property
    def is_error(self) -> bool:
        """Return whether the file cannot be used because of it."""
        return self.severity == "error"

    @property
    def meaning(self) -> str:
        """Return rule, element, fault and remedy as one sentence."""
        element = f"<{self.element}>" if self.element else ""
        return ": ".join(part for part in (self.rule, element, self.fault, self.remedy) if part)

    def describe(self, show: Callable[[Path], str] = mask_path) -> str:
        """Return the finding as one line."""
        line = "" if self.line is None else f", line {self.line}"
        return f"{show(self.file)}{line}: {self.meaning}"


class CheckedRules(NamedTuple):
    """The rules of a file, None if there is an error, and all findings.

    ``file`` is None if it is not TOML.
    """

    rules: Rules | None
    findings: tuple[LocatedFinding, ...]
    file: SettingsFile | None = None

    @property
    def errors(self) -> list[LocatedFinding]:
        """Return the findings that are errors."""
        return [finding for finding in self.findings if finding.is_error]


@dataclass(frozen=True, slots=True)
class CheckedContent:
    """The content of a file of rules, and what the check found. Equal if the content is."""

    content: RulesContent
    checked: CheckedRules = field(compare=False)


class RulesRefused(Exception):
    """The file of rules has errors; the text has one line for each."""


@dataclass(frozen=True, slots=True)
class LoadedReplies:
    """The replies of a bridge, the content that they were made of, and the warnings about it."""

    replies: Replies
    content: CheckedContent | None
    warnings: tuple[LocatedFinding, ...]


def read_content(path: Path) -> RulesContent:
    """Return the content of a file of rules and of its documents. Raises Unusable."""
    rules = read_regular_file(path)
    try:
        values = tomllib.loads(rules.decode())
    except (ValueError, RecursionError):  # ``check_content`` says why
        values = {}
    documents: dict[str, bytes | str] = {}
    for name in list_documents(values)[:_DOCUMENTS_MAX]:
        try:
            documents[name] = read_regular_file(path.parent / name)
        except Unusable as error:
            documents[name] = str(error)
    return RulesContent(rules, documents)


def check_content(path: Path, content: RulesContent, catalogue: Catalogue) -> CheckedRules:
    """Return the rules and all findings: rules 1 to 3."""
    try:
        file = parse_settings_file(path, content.rules.decode())
    except UnicodeDecodeError:
        fault = LocatedFinding(path, None, "error", "", None, "not UTF-8 text", "save it as UTF-8")
        return CheckedRules(None, (fault,))
    except BadFile as error:
        fault = LocatedFinding(path, error.line, "error", "", None, error.fault, "")
        return CheckedRules(None, (fault,))
    parsed = parse_rules(file.values, catalogue, partial(_make_document, content))
    found = tuple(_locate(file, finding) for finding in parsed.findings)
    return CheckedRules(parsed.rules, found, file)


def check_file(path: Path, catalogue: Catalogue) -> CheckedRules:
    """Return the rules of a file and all findings; that it cannot be read is one too."""
    try:
        content = read_content(path)
    except Unusable as error:
        fault = LocatedFinding(path, None, "error", "", None, str(error), "")
        return CheckedRules(None, (fault,))
    return check_content(path, content, catalogue)


def load_replies(path: Path | None, catalogue: Catalogue) -> LoadedReplies:
    """Return the replies by the rules of a file; None: there are no rules. Raises RulesRefused."""
    if path is None:
        return LoadedReplies(Replies(Rules((), (), catalogue)), None, ())
    try:
        content = read_content(path)
    except Unusable as error:
        message = f"{mask_path(path)}: {error}"
        raise RulesRefused(message) from error
    checked = check_content(path, content, catalogue)
    if checked.rules is None:
        raise RulesRefused("\n".join(error.describe() for error in checked.errors))
    return LoadedReplies(Replies(checked.rules), CheckedContent(content, checked), checked.findings)


class _RulesReader:
    """Reads the file of rules, and checks it when it changed: rule 4."""

    def __init__(self, path: Path, catalogue: Catalogue, last: CheckedContent | None) -> None:
        self._path = path
        self._catalogue = catalogue
        self._last = last

    def read(self) -> CheckedContent:
        """Return the content, checked. Raises Unusable."""
        content = read_content(self._path)
        if self._last is None or self._last.content != content:
            checked = check_content(self._path, content, self._catalogue)
            self._last = CheckedContent(content, checked)
        return self._last


def watch_rules(
    path: Path,
    loaded: LoadedReplies,
    catalogue: Catalogue,
    *,
    metrics: Metrics,
    poll_s: float = POLL_S,
) -> WatchedFile[CheckedContent]:
    """Return what polls the file of rules and its documents, and replaces the rules: rule 2."""
    return WatchedFile(
        "rules",
        reloaded="rules_reloaded",
        reload_failed="rules_reload_failed",
        read=_RulesReader(path, catalogue, loaded.content).read,
        use=partial(_use, loaded.replies),
        loaded=loaded.content,
        stale=Metric.RULES_STALE,
        metrics=metrics,
        poll_s=poll_s,
        read_timeout_s=POLL_S,
    )


def log_rule_warnings(warnings: Collection[LocatedFinding]) -> None:
    """Log each warning about rules and documents."""
    for warning in warnings:
        log.warning(
            "reply_rule_warning",
            file=str(warning.file),
            line=warning.line,
            rule=warning.rule,
            element=warning.element,
            meaning=": ".join(part for part in (warning.fault, warning.remedy) if part),
        )


def _use(replies: Replies, content: CheckedContent) -> Mapping[str, object]:
    checked = content.checked
    if checked.rules is None:
        raise Unusable("; ".join(error.describe() for error in checked.errors))
    replies.replace_rules(checked.rules)
    log_rule_warnings(checked.findings)
    return {"rules": len(checked.rules.rules), "applications": len(checked.rules.applications)}


def _make_document(
    content: RulesContent, name: str, types: Collection[CallbackType]
) -> tuple[Document, tuple[Finding, ...]]:
    body = content.documents.get(name, f"there are more than {_DOCUMENTS_MAX} documents")
    if isinstance(body, str):
        raise BadDocument(name, (Finding("error", None, None, body),))
    return make_document(name, body, types)


def _locate(file: SettingsFile, finding: RuleFinding) -> LocatedFinding:
    """Return a finding with its file and line: rule 3."""
    is_document = finding.file is not None
    return LocatedFinding(
        file=file.path.parent / finding.file if finding.file is not None else file.path,
        line=finding.line if is_document else file.find_line(finding.keys),
        severity=finding.severity,
        rule=finding.about,
        element=finding.element,
        fault=finding.fault,
        remedy=finding.remedy,
    )
