"""Whatever stands in a file or on the command line: an answer, or an error of the lab's with a hint; never a crash."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.api import open_campaign
from lab.campaign.experiment_file import cases_of, load
from lab.core.errors import LabError
from lab.engines.engine import decode_report
from lab.store.campaigns import read_manifest
from tests.command import lab
from tests.synthetic import write_campaign

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENTS = sorted(path.read_text(encoding="utf-8") for path in (ROOT / "experiments").glob("*.toml"))
NUMBERS = ("-1", "0", "1e400", "nan", "true", "[]", "{}", "[1, 2]", "x")
TOKENS = (*NUMBERS, '""', '"*"', '"1s"', '"-5m"', '"999999h"', '"∞%"')
REPORT = b'{"schema":3,"nonce":"n","exit_code":0,"signal":null,"timed_out":false,"wall_ns":5,"marks":[]}'
OFTEN = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SELDOM = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
RANDOM = st.randoms(use_true_random=False)


def refusal(work: Callable[[], object]) -> LabError | None:
    """The error of the lab's that some work ends with; any other error is a failure of the test."""
    try:
        work()
    except LabError as error:
        return error
    return None


def _mangled(text: str, rng: random.Random) -> str:
    """The text with a value replaced, a line lost or doubled, or some characters changed."""
    lines = text.splitlines(keepends=True)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(lines))
        kind = rng.randrange(5)
        if kind == 0 and "=" in lines[place]:
            lines[place] = f"{lines[place].split('=')[0]}= {rng.choice(TOKENS)}\n"
        elif kind == 1:
            del lines[place]
        elif kind == 2:
            lines.insert(rng.randrange(len(lines)), lines[place])
        elif kind == 3:
            cut = rng.randrange(len(lines[place]))
            lines[place] = lines[place][:cut] + chr(rng.randrange(1, 0x3000)) + lines[place][cut + 1 :]
        else:
            lines[place] = lines[place].replace("_", "", 1).replace('"', "", rng.randrange(2))
    return "".join(lines)


def _changed(content: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, cut out or put in."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(changed))
        kind = rng.randrange(3)
        if kind == 0:
            changed[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del changed[place : place + rng.randint(1, 50)]
        else:
            changed[place:place] = rng.randbytes(rng.randint(1, 20))
    return bytes(changed)


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_campaign(tmp_path_factory.mktemp("whole"), blocks=2)


@OFTEN
@given(st.sampled_from(EXPERIMENTS), RANDOM)
def test_a_mangled_experiment_is_read_or_refused_with_a_hint(text: str, rng: random.Random) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "mangled.toml"
        path.write_text(_mangled(text, rng), encoding="utf-8", errors="surrogatepass")
        error = refusal(lambda: [cases_of(load(path), tier) for tier in load(path).tiers])
    assert error is None or (error.message and error.remedy)


@OFTEN
@given(st.binary(min_size=1, max_size=400))
def test_bytes_that_are_no_experiment_are_refused_with_a_hint(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "noise.toml"
        path.write_bytes(content)
        error = refusal(lambda: load(path))
    assert error is not None
    assert error.remedy


@OFTEN
@given(RANDOM)
def test_a_damaged_manifest_is_read_or_refused_with_a_hint(campaign: Path, rng: random.Random) -> None:
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "manifest.json").write_bytes(_changed((campaign / "manifest.json").read_bytes(), rng))
        error = refusal(lambda: read_manifest(Path(directory)))
    assert error is None or error.remedy


@SELDOM
@given(RANDOM)
def test_a_damaged_campaign_is_analysed_or_refused_with_a_hint(campaign: Path, rng: random.Random) -> None:
    with tempfile.TemporaryDirectory() as directory:
        for name in ("manifest.json", "trials.jsonl"):
            content = (campaign / name).read_bytes()
            (Path(directory) / name).write_bytes(_changed(content, rng) if rng.random() < 0.5 else content)
        error = refusal(lambda: open_campaign(directory).overheads())
    assert error is None or error.remedy


@OFTEN
@given(st.binary(max_size=300), RANDOM)
def test_whatever_a_sandbox_prints_is_no_report_without_the_nonce(noise: bytes, rng: random.Random) -> None:
    printed = [noise, _changed(REPORT, rng), REPORT.replace(b'"n"', b'"m"')]
    rng.shuffle(printed)
    error = refusal(lambda: decode_report(b"\n".join(printed), "0123456789abcdef"))
    assert error is not None
    assert error.remedy


OPTIONS = ("--json", "--quick", "--tier", "--budget", "--engine", "--format", "latest", "1h", "-1", "", "\0", "%s")
WORDS = st.lists(st.one_of(st.sampled_from(OPTIONS), st.text(max_size=12)), max_size=4)


@SELDOM
@given(st.sampled_from(["report", "export", "claims", "compare", "pack", "unpack"]), WORDS)
def test_words_that_mean_nothing_end_with_a_code_of_their_own(command: str, words: list[str]) -> None:
    with tempfile.TemporaryDirectory() as empty:
        ran = lab(command, "--results", empty, *words)
        assert list(Path(empty).iterdir()) == []
    assert ran.code in {0, 2}, ran.err
    assert "Traceback" not in ran.err
    assert ran.err or ran.out
