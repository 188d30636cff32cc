"""Workers that others start: a job script for Slurm, and a manifest for Kubernetes; one worker a machine, by itself.

Both keep the lab's cache on the machine, not in a home directory that machines share: what a host has begun and
measured is kept there (`lab.cluster.started`), and two hosts must not take each other's for their own.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import msgspec

from lab.cluster.invitation import INSTALL, Address, invitation_path
from lab.core.errors import UsageError

NODE_HOME = "/var/tmp/wasm-edge-lab"  # noqa: S108 - kept over restarts; made readable by its owner only
"""The lab's cache on a node of Slurm, per user."""
POD_HOME = "/var/lib/wasm-edge-lab"
"""The same on a node of Kubernetes; engine and pod must see it at the same place."""
LABEL, SECRET = "wasm-edge-lab", "wasm-edge-lab-invitation"
DRAIN_S = 1800
"""For so long a worker that is asked to end may finish its trial."""


def slurm_script(address: Address, home: Path, options: tuple[str, ...] = ()) -> str:
    """A script for `sbatch`: a node of one's own, and a worker on it until the campaign lets go.

    Args:
        address: of the campaign's machine.
        home: the lab's cache of whoever submits, in which the certificate is looked for when the job starts.
        options: further ones of `lab worker`.
    """
    worker = shlex.join([sys.executable, "-m", "lab", "worker", _text(address), "--once", *options])
    invitation = shlex.quote(str(invitation_path(home.absolute())))
    return f"""#!/bin/bash
# A worker of a campaign on several hosts: one node by itself. Submit it once for each host, or as an array:
#     sbatch --array=1-8 --time=12:00:00 FILE
#SBATCH --job-name=lab-worker
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --exclusive
#SBATCH --no-requeue
# before the time is up the worker is asked to end, and finishes its trial
#SBATCH --signal=B:TERM@{DRAIN_S}
#SBATCH --output=lab-worker-%j.log
set -euo pipefail
umask 077
# on the node, and kept: what it has measured is fetched from there
export LAB_HOME="{NODE_HOME}-$(id -un)"
mkdir -p "$LAB_HOME"
if [ ! -O "$LAB_HOME" ]; then
    echo "$LAB_HOME belongs to somebody else" >&2
    exit 2
fi
if [ -f {invitation} ]; then
    install -m 600 {invitation} "$LAB_HOME/"
fi
# in the shell's place, so that signals reach the worker
exec {worker}
"""


def kubernetes_manifest(address: Address, image: str, options: tuple[str, ...] = ()) -> str:
    """A manifest for `kubectl apply`: a worker on every node that bears the label, which has the node to itself.

    The worker starts containers by the node's engine, whose socket it is given: whoever may change the manifest may do
    anything on these nodes.

    Args:
        address: of the campaign's machine.
        image: that holds the lab, with Python and the lab's `hosts` extra.
        options: further ones of `lab worker`.

    Raises:
        UsageError: no library for YAML is installed.
    """
    volumes = {"home": POD_HOME, "locks": "/run/lock", "engine": "/var/run/docker.sock"}
    kinds = {"home": "DirectoryOrCreate", "locks": "Directory", "engine": "Socket"}
    mounts: list[dict[str, Any]] = [{"name": name, "mountPath": path} for name, path in volumes.items()]
    invitation = invitation_path(Path(POD_HOME))
    mounts.append({"name": "invitation", "mountPath": str(invitation), "subPath": invitation.name, "readOnly": True})
    worker = {
        "name": "worker",
        "image": image,
        "command": ["lab", "worker", _text(address), "--name", "$(NODE_NAME)", *options],
        "env": [
            {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "LAB_HOME", "value": POD_HOME},
        ],
        "volumeMounts": mounts,
    }
    pod = {
        "nodeSelector": {LABEL: "worker"},
        "tolerations": [{"key": LABEL, "operator": "Exists"}],
        "hostNetwork": True,
        "dnsPolicy": "ClusterFirstWithHostNet",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": DRAIN_S,
        "containers": [worker],
        "volumes": [
            *({"name": name, "hostPath": {"path": path, "type": kinds[name]}} for name, path in volumes.items()),
            # 0400: the lab takes no certificate that others can read
            {"name": "invitation", "secret": {"secretName": SECRET, "defaultMode": 0o400}},
        ],
    }
    labels = {"app": f"{LABEL}-worker"}
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": labels["app"], "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "updateStrategy": {"type": "OnDelete"},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    try:
        return msgspec.yaml.encode(manifest).decode()
    except ImportError as error:
        raise UsageError("a manifest cannot be written: PyYAML is not installed", INSTALL) from error


def _text(address: Address) -> str:
    return address.url("tcp").removeprefix("tcp://")
