"""The documents say what the code does."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from lab.campaign.experiment_file import cases_of, load
from lab.campaign.experiment_schema import schema
from lab.campaign.outcome import UNDISTURBED_CPU_SHARE, UNDISTURBED_PRESSURE
from lab.cli.lazy import COMMANDS
from lab.core import errors
from lab.core.errors import LabError
from lab.core.experiment import Experiment, Matrix, Measure, Tier
from lab.core.names import Flag
from lab.report.sections.data_quality import FLAG_HINTS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("tests/*.md")])
RECIPE = r"^([a-z][a-z-]*)(?: [^:\n]*)?:(?!=)"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def rows(page: Path) -> list[list[str]]:
    """Cells of every table row of a page."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]


def tracked(*patterns: str) -> list[Path]:
    """The repository's own files."""
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip(f"not a git checkout: {listed.stderr.strip()}")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_recipes_named_in_documents_exist(page: Path) -> None:
    recipes = re.findall(RECIPE, (ROOT / "Justfile").read_text(encoding="utf-8"), re.MULTILINE)
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?:`|^|&& )just ([a-z][a-z-]*)", text, re.MULTILINE)
    assert set(named) <= set(recipes)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_named_in_documents_exist(page: Path) -> None:
    known = set(COMMANDS)
    named = re.findall(r"(?:`|^)(?:just )?lab ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) <= known


def test_the_readme_shows_the_two_commands_for_a_bare_machine() -> None:
    assert "pip install rust-just uv && just reproduce smoke" in README
    assert "pip install rust-just uv && just test" in README
    assert "pip install --quiet rust-just uv && just test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_page_of_errors_lists_every_exit_code() -> None:
    listed = {(row[0], row[1]) for row in rows(ROOT / "docs" / "errors.md") if row[0].isdigit()}
    errors_of_the_lab = {(str(error.exit_code), error.__name__) for error in LabError.__subclasses__()}
    without_error = {(str(code), "") for code in (0, errors.EXIT_NEGATIVE, errors.EXIT_INTERRUPTED)}
    assert listed == errors_of_the_lab | without_error


@pytest.mark.parametrize("record", [Experiment, Matrix, Tier, Measure], ids=lambda record: record.__name__)
def test_the_page_of_experiments_lists_every_key_with_its_default(record: type[msgspec.Struct]) -> None:
    listed = [(row[0].strip("`"), row[2].strip("`")) for row in rows(ROOT / "docs" / "experiments.md")]
    for field in msgspec.structs.fields(record):
        assert (field.name, default_of(field)) in listed


def default_of(field: msgspec.structs.FieldInfo) -> str:
    """A key's default as the page writes it."""
    if field.required:
        return "required"
    if field.default is None:
        return "none"
    if isinstance(field.default, Measure):
        return "all its defaults"
    return msgspec.json.encode(field.default).decode()


def test_the_page_of_experiments_lists_no_key_that_is_none() -> None:
    keys = {field.name for record in (Experiment, Matrix, Tier, Measure) for field in msgspec.structs.fields(record)}
    listed = {row[0].strip("`") for row in rows(ROOT / "docs" / "experiments.md") if row[0].startswith("`")}
    assert listed == keys


def test_the_example_on_the_page_of_experiments_can_be_run(tmp_path: Path) -> None:

    text = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    example = re.search(r"```toml\n(.+?)```", text, re.DOTALL)
    assert example is not None
    (tmp_path / "mine.toml").write_text(example[1], encoding="utf-8")
    found = load(tmp_path / "mine.toml")
    assert len(cases_of(found, "smoke")) == 3
    assert len(cases_of(found, "standard")) > 3


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*.toml")), ids=lambda path: path.stem)
def test_every_experiment_loads(path: Path) -> None:

    found = load(path)
    assert all(cases_of(found, tier) for tier in found.tiers)


def test_the_schema_of_experiments_is_current() -> None:

    written = (ROOT / "experiments" / "schema.json").read_bytes()
    assert written == schema(), "python -m lab.campaign.experiment_schema writes it again"


def test_every_key_in_the_schema_is_described() -> None:

    records = msgspec.json.decode(schema())["$defs"]
    undescribed = [
        f"{name}.{key}"
        for name, record in records.items()
        for key, value in record["properties"].items()
        if not value.get("description")
    ]
    assert undescribed == []


def test_no_file_names_a_machines_own_paths_or_a_package_registry() -> None:
    # Written in two parts, so that this file does not name them itself.
    parts = (("/work/", "main"), ("/work/", "shared"), ("/tmp/", "dev/"), ("/root/", ".cache"))  # noqa: S108
    hosts = (("index.", "crates.io"), ("static.", "crates.io"), ("files.python", "hosted.org"), ("pypi", ".org"))
    foreign = ["".join(pair) for pair in (*parts, *hosts)]
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {place}" for place in foreign if place in text]
    assert found == []


@pytest.mark.parametrize("flag", list(Flag))
def test_every_flag_of_a_trial_is_explained_on_the_page_of_statistics_and_in_reports(flag: Flag) -> None:
    explained = {row[0].strip("`"): row[1:] for row in rows(ROOT / "docs" / "statistics.md")}
    assert all(explained[flag.value])
    assert FLAG_HINTS[flag.value]


def test_thresholds_of_flags_are_those_on_the_page_of_statistics() -> None:
    raised = {row[0].strip("`"): row[-1] for row in rows(ROOT / "docs" / "statistics.md")}
    assert raised["cpu-contended"].startswith(f"below {UNDISTURBED_CPU_SHARE:.0%}".replace("%", " %"))
    assert raised["shared-machine"].startswith(f"above {UNDISTURBED_PRESSURE:.0%}".replace("%", " %"))
