"""The names of columns: short, without dots, and never twice."""

import re

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.catalogue import Catalogue
from bridge.replay.targets.columns import (
    FieldPath,
    build_event_table,
    build_journal_table,
    name_columns,
)

NAMES = st.sampled_from(["data", "record", "a", "b", "A", "a_b", "_", "id", "key", "__"])


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (("id",), "id"),
        (("data",), "data"),
        (("data", "duration_s"), "duration_s"),
        (("data", "from", "e164"), "from_e164"),
        (("reply", "status"), "reply_status"),
    ],
)
def test_a_name_is_the_way_to_the_field_without_data(place: FieldPath, name: str) -> None:
    assert name_columns([place]) == {place: name}


def test_fields_that_would_share_a_name_are_named_by_their_whole_place() -> None:
    assert name_columns([("data", "a", "b_c"), ("data", "a_b", "c"), ("data", "d")]) == {
        ("data", "a", "b_c"): "data__a__b_c",
        ("data", "a_b", "c"): "data__a_b__c",
        ("data", "d"): "d",
    }


def test_the_records_and_the_events_own_columns_keep_their_names() -> None:
    assert name_columns([("data", "id"), ("data", "record", "key"), ("id",)]) == {
        ("id",): "id",
        ("data", "id"): "data__id",
        ("data", "record", "key"): "data__record__key",
    }


@given(places=st.lists(st.lists(NAMES, min_size=1, max_size=4).map(tuple), max_size=12))
def test_no_two_fields_have_one_name_in_any_case(places: list[FieldPath]) -> None:
    names = name_columns(places)
    assert set(names) == set(places)
    folded = [name.casefold() for name in names.values()]
    assert len(set(folded)) == len(folded)
    assert not {"record_key", "record_value"} & set(folded)
    assert name_columns(reversed(places)) == names  # whatever their order


def test_every_name_can_stand_in_sql_without_quotes(types: Catalogue) -> None:
    found = duckdb.sql(
        "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
    )
    assert found is not None
    reserved = {name for (name,) in found.fetchall()}
    assert "select" in reserved
    for table in (build_event_table(types.all_types), build_journal_table()):
        for column in table.typed_columns:
            assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
            assert "__" not in column.name  # what one day shares a name would rename the other
            assert column.name not in reserved


def test_a_name_does_not_depend_on_the_requested_types(types: Catalogue) -> None:
    every = {
        column.path: column.name
        for column in build_event_table(types.all_types).columns
        if column.path
    }
    for kind in types.all_types:
        for column in build_event_table([kind]).columns:
            assert not column.path or every[column.path] == column.name
