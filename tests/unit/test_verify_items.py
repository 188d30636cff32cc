"""Three answers, and the sentence that comes with each."""

from __future__ import annotations

from lab.verify.items import Item, Match, compare_hashes, first_difference

ONE, OTHER = "1" * 64, "2" * 64


def test_copies_that_agree_with_each_other_and_the_lock_are_identical() -> None:
    item = compare_hashes("thing", ONE, {"a": ONE, "b": ONE})
    assert (item.verdict, item.why) == (Match.IDENTICAL, "the same in the lock and a and b")


def test_copies_that_agree_are_identical_without_a_lock_too_and_do_not_claim_one() -> None:
    item = compare_hashes("thing", None, {"a": ONE, "b": ONE})
    assert (item.verdict, item.why) == (Match.IDENTICAL, "the same in a and b")


def test_a_difference_names_both_sides() -> None:
    assert compare_hashes("thing", ONE, {"a": OTHER}).why == "the lock has 111111111111…, a has 222222222222…"
    assert compare_hashes("thing", None, {"a": ONE, "b": OTHER}).verdict is Match.DIFFERS
    assert compare_hashes("thing", ONE, {"a": OTHER, "b": OTHER}).verdict is Match.DIFFERS, (
        "agreeing on the wrong bytes"
    )


def test_the_first_difference_is_the_first_and_equivalent_is_none() -> None:
    same, near = Item("a", Match.IDENTICAL, ""), Item("b", Match.EQUIVALENT, "")
    wrong, worse = Item("c", Match.DIFFERS, ""), Item("d", Match.DIFFERS, "")
    assert first_difference([same, near, wrong, worse]) is wrong
    assert first_difference([same, near]) is None
    assert first_difference([]) is None
