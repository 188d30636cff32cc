# Every recipe sets up what it needs; `just` alone lists them.

set shell := ["bash", "-euo", "pipefail", "-c"]

# recipes take their arguments as "$@": words with spaces or shell characters arrive as they were given
set positional-arguments := true

python := ".venv/bin/python"

# list the recipes
default:
    @just --list

# reproduce the paper here, from nothing to the report; tier: smoke, standard or full; e.g. `just reproduce standard budget=2h`
[group('measure')]
reproduce tier="standard" *args: setup
    #!/usr/bin/env bash
    set -euo pipefail
    shift
    options=()
    for word in "$@"; do
        if [[ $word =~ ^[a-z]+= ]]; then word="--$word"; fi
        options+=("$word")
    done
    .venv/bin/lab run experiments/paper.toml --tier={{ quote(tier) }} "${options[@]}"

# run the lab's command line, e.g. `just lab runtimes`
[group('measure')]
lab *args: setup
    @.venv/bin/lab "$@"

# inference before and after, against the best native programs, as ratios of one run: results/bench.json
[group('measure')]
bench *args: setup
    {{ python }} -m benchmarks.bench "$@"

# the documents as a site in dist/site, every link within it checked
[group('check')]
site *args: setup
    {{ python }} -m mkdocs build --strict "$@"

# make the pictures of the documents from a campaign: docs/pictures/
[group('check')]
screenshots campaign="latest": setup
    {{ python }} -m benchmarks.screenshots "$@"

# what the statistics do under simulated noise: the tables of docs/statistics.md
[group('check')]
statistics *args: setup
    {{ python }} -m benchmarks.statistics_menu "$@"
    {{ python }} -m benchmarks.statistics_sequential "$@"

# linters, types, layers and every test that runs within the hour, live ones on real containers included
[group('check')]
test *args: setup
    @scripts/test -m "not slow" "$@"

# everything, the slow images too
[group('check')]
test-all *args: setup
    @scripts/test --all "$@"

# every fault that tests inject, over 500 in all, within 75 minutes; goes on where it was; results/faults.json
[group('check')]
faults *args: setup
    {{ python }} -m pytest -m fault --fault-seconds 60 --fault-minutes 65 --fault-table results/faults.json "$@"

# mutated graphs through importer and guests, mutated modules through every runtime; goes on where it was; results/fuzz.json
[group('check')]
fuzz *args: setup
    {{ python }} -m tests.fuzz "$@"

# the linters, types and layers (seconds)
[group('check')]
check: setup
    .venv/bin/ruff check .
    .venv/bin/ruff format --check .
    .venv/bin/mypy
    .venv/bin/lint-imports

# format, lint and test the Rust side
[group('check')]
check-rust:
    cd rust-guest && cargo fmt --check
    cd rust-guest && cargo clippy --locked --all-targets -- -D warnings
    cd rust-guest && cargo test --locked
    cd rust-guest/tract-0.20 && cargo fmt --check && cargo clippy --locked --all-targets -- -D warnings && cargo test --locked
    cd rust-guest/tract-0.22 && cargo fmt --check && cargo clippy --locked --all-targets -- -D warnings && cargo test --locked
    cd rust-guest/front && cargo fmt --check
    cd rust-guest/front && cargo clippy --locked --all-targets --features onnx -- -D warnings && cargo test --locked --features onnx
    cd rust-guest/front && cargo clippy --locked --all-targets --features tflite -- -D warnings && cargo test --locked --features tflite
    cd rust-guest/prepared && cargo fmt --check && cargo clippy --locked --all-targets -- -D warnings && cargo test --locked

# the environment in .venv, from the hash-pinned lock
[group('set up')]
setup:
    @scripts/setup

# write requirements.lock anew from pyproject.toml
[group('set up')]
lock:
    uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --extra explore --extra formats --extra hosts --group dev --no-emit-index-url --no-header pyproject.toml -o requirements.lock
