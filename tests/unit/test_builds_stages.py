"""The Dockerfile taken apart: stages, arguments, and what each rests on."""

from __future__ import annotations

import pytest

from lab.builds.steps import stages
from lab.core.errors import BuildFailed

TEXT = """
# a comment with FROM in it
ARG BASE=debian:1
ARG PACKAGES="one two"
ARG SUPPLY=registry

FROM ${BASE} AS builder
COPY ca/host.crt /ca.crt
RUN apt-get update \\
    # said in the middle
    && apt-get install

FROM builder AS tool-registry
ARG PACKAGES
RUN build ${PACKAGES}

FROM scratch AS tool-given
COPY supply/tool/ /out/

FROM tool-${SUPPLY} AS tool-files

FROM ${BASE} AS tool
COPY --from=tool-files /out/ /
COPY one two/ /there/
"""


def test_a_stage_keeps_its_continuation_lines_and_loses_its_comments() -> None:
    builder = stages.parse(TEXT).stages["builder"]
    assert builder.instructions[1] == "RUN apt-get update \\\n    && apt-get install"


def test_arguments_take_the_given_value_before_the_default() -> None:
    dockerfile = stages.parse(TEXT)
    assert stages.bind(dockerfile, "tool-registry", {}).instructions[0] == 'ARG PACKAGES="one two"'
    assert stages.bind(dockerfile, "tool-registry", {"PACKAGES": "three"}).instructions[0] == 'ARG PACKAGES="three"'


def test_a_stage_named_by_an_argument_is_found() -> None:
    dockerfile = stages.parse(TEXT)
    assert stages.bind(dockerfile, "tool-files", {}).base == "tool-registry"
    assert stages.bind(dockerfile, "tool-files", {"SUPPLY": "given"}).base == "tool-given"


def test_a_stage_says_what_it_copies_from_stages_and_from_the_context() -> None:
    bound = stages.bind(stages.parse(TEXT), "tool", {})
    assert bound.copied_stages == ("tool-files",)
    assert bound.copied_files == ("one", "two")


def test_a_rendered_stage_names_images_in_place_of_stages() -> None:
    bound = stages.bind(stages.parse(TEXT), "tool", {"BASE": "base:x"})
    assert stages.render(bound, {"base:x": "image:b", "tool-files": "image:f"}) == (
        "FROM image:b\nCOPY --from=image:f /out/ /\nCOPY one two/ /there/\n"
    )


def test_an_argument_without_a_value_is_an_error_that_names_the_stage() -> None:
    dockerfile = stages.parse("FROM a AS one\nARG MISSING\n")
    with pytest.raises(BuildFailed, match=r"stage 'one'.*MISSING"):
        stages.bind(dockerfile, "one", {})


@pytest.mark.parametrize("text", ["RUN early\nFROM a AS b", "FROM a AS b\nFROM nameless"])
def test_an_instruction_out_of_place_is_refused(text: str) -> None:
    with pytest.raises(BuildFailed, match="out of place"):
        stages.parse(text)
