"""`lab serve` shows a running campaign to this machine, and nothing else of the disk to anybody."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lab.cli.web import server_of
from lab.report.live import progress_of
from lab.store.campaigns import FINISHED_NAME, create
from lab.store.journal import JOURNAL_NAME, write_journal
from tests.command import lab
from tests.synthetic import START, make_manifest, make_trials, write_campaign

MANIFEST = make_manifest(
    arms=("native@o3", "wasmtime-jit-cranelift@o3", "wamr-interpreter-fast@o3"),
    models=("yunet", "vgg_16"),
    batches=(1,),
)


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    """One that is running: three of its six cases have a trial."""
    directory = create(tmp_path / "results", MANIFEST)
    (directory / JOURNAL_NAME).unlink()
    write_journal(directory / JOURNAL_NAME, list(make_trials(MANIFEST, 1))[:3])
    return directory


@pytest.fixture
def port(campaign: Path) -> Iterator[int]:
    with server_of(campaign, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


def get(port: int, path: str, host: str | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host or f"localhost:{port}")
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def progress(port: int) -> dict[str, Any]:
    status, body = get(port, "/progress.json")
    assert status == 200
    found: dict[str, Any] = json.loads(body)
    return found


def test_progress_counts_cases_and_time_and_follows_the_journal(campaign: Path, port: int) -> None:
    first = progress(port)
    assert (first["trials"], first["visited"], first["cases"], first["finished"]) == (3, 3, 6, False)
    assert first["left_s"] == pytest.approx(first["budget_s"] - first["spent_s"])
    (campaign / JOURNAL_NAME).unlink()
    write_journal(campaign / JOURNAL_NAME, list(make_trials(MANIFEST, 1)))
    second = progress(port)
    assert second["visited"] == 6
    assert second["measured"] == 5
    assert second["latest"][0].startswith("5: ")


def test_a_finished_campaign_has_no_time_left(tmp_path: Path) -> None:
    found = progress_of(write_campaign(tmp_path, blocks=2, manifest=MANIFEST))
    assert found.finished
    assert found.left_s is None


def test_the_time_since_the_latest_trial_is_known(campaign: Path) -> None:
    found = progress_of(campaign, START + timedelta(seconds=32))
    assert found.quiet_s == 30.0


def test_the_page_and_the_report_are_served_as_they_are(campaign: Path, port: int) -> None:
    status, page = get(port, "/")
    assert status == 200
    assert b"connect-src 'self'" in page
    assert get(port, "/report/index.html")[0] == 404
    assert progress(port)["report"] is None
    assert lab("report", campaign).code == 0
    assert get(port, "/report/index.html") == (200, (campaign / "report" / "index.html").read_bytes())
    assert progress(port)["report"] is not None


@pytest.mark.parametrize(
    "path",
    ["/report/../manifest.json", "/report/%2e%2e/manifest.json", "/manifest.json", "/report//etc/passwd", "/report/"],
)
def test_nothing_outside_the_report_is_served(port: int, path: str) -> None:
    assert get(port, path)[0] == 404


def test_a_name_that_leads_here_from_elsewhere_is_refused(port: int) -> None:
    assert get(port, "/progress.json", host=f"elsewhere.example:{port}")[0] == 403


def test_a_damaged_campaign_is_reported_to_the_page(campaign: Path, port: int) -> None:
    (campaign / "manifest.json").write_text("{")
    status, body = get(port, "/progress.json")
    assert status == 500
    assert json.loads(body)["remedy"]


def test_a_port_that_is_taken_is_a_clear_error(campaign: Path, port: int) -> None:
    ran = lab("serve", campaign, "--port", port)
    assert ran.code == 2
    assert "choose another --port" in ran.error[1]


def test_finished_is_read_from_the_marker(campaign: Path) -> None:
    assert not (campaign / FINISHED_NAME).exists()
    assert not progress_of(campaign).finished
