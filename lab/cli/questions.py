"""The questions that an experiment's plan buys sets for: the claims beside it, if there are any."""

from __future__ import annotations

from lab.core.want import Want
from lab.report.claims.claim_file import claims_path, load_claims
from lab.report.claims.wants import wants_of


def wants_for(experiment: str) -> tuple[Want, ...]:
    """What the claims of an experiment want measured; none without a claims file."""
    path = claims_path(experiment)
    return wants_of(load_claims(path)) if path else ()
