"""Two images compared by what they hold; the stream a real one comes in is read by the live tests."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from lab.builds.images.contents import _Pieces, digest, first_differing

CONTENTS = st.dictionaries(st.text(min_size=1), st.text())


@given(CONTENTS, CONTENTS)
def test_contents_have_one_digest_exactly_if_nothing_differs(one: dict[str, str], other: dict[str, str]) -> None:
    assert (digest(one) == digest(other)) == (first_differing(one, other) is None) == (one == other)


@given(CONTENTS, st.randoms())
def test_the_order_in_which_files_come_does_not_count(found: dict[str, str], random: object) -> None:
    items = list(found.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    assert digest(dict(items)) == digest(found)


def test_the_first_path_in_order_is_named() -> None:
    assert first_differing({"a": "1", "c": "1", "b": "1"}, {"a": "1", "c": "2"}) == "b"


@given(st.lists(st.binary()), st.integers(1, 64))
def test_a_stream_of_pieces_reads_like_the_whole(pieces: list[bytes], buffer: int) -> None:
    assert io.BufferedReader(_Pieces(pieces), buffer).read() == b"".join(pieces)
