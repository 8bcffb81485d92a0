"""Whether what lies behind an offset of a topic is a replay of what lies before it."""

from collections.abc import Mapping

from tests.bench.replayed import Verdict, _content, _once, _origin, _records


def compare_behind(address: str, topic: str, ends: Mapping[int, int]) -> Verdict:
    """Compare what a live topic had, up to ``ends``, with what a replay put behind it."""
    verdict = Verdict()
    for partition, end in ends.items():
        records = list(_records(address, topic, partition))
        replayed = _once(iter(records[end:]), verdict)
        found = next(replayed, None)
        for record in records[:end]:
            verdict.planned += 1
            if found is None or _origin(found) != record.offset():
                verdict.gaps += 1
                continue
            verdict.changed += _content(found, stamped=True) != _content(record, stamped=False)
            found = next(replayed, None)
        verdict.misplaced += found is not None
    return verdict
