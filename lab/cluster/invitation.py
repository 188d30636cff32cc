"""Who may take part: whoever holds the campaign's certificate with its key, in one file that is copied to each host.

All sides show the same certificate, and trust no other one: hosts are sure of the machine that asks, it is sure of its
hosts, and nobody in between reads or changes anything. The file is as good as an account on every host.
"""

from __future__ import annotations

import ipaddress
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from lab.core.errors import UsageError
from lab.disk.whole import write_whole

FILE_NAME = "invitation.pem"
VALID_DAYS = 365
DEFAULT_PORT = 8786
COMMON_NAME = "wasm-edge-lab"
MAKE_ONE = (
    "make a certificate with `lab worker --invite` on one machine, and copy the file it names to the same place on the "
    "others"
)
INSTALL = "install the lab with its extra for hosts: `pip install 'wasm-edge-lab[hosts]'`, or run `just setup`"


class Address(NamedTuple):
    """Where the campaign's machine listens.

    Attributes:
        host: name or IP address.
        port: TCP port.
    """

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise UsageError(f"there is no host called {self.host}: {error}", "check the address") from error
        return all(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_loopback for entry in found)

    def url(self, scheme: str) -> str:
        """The address as Dask writes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"


def parse_address(text: str) -> Address:
    """Read ``HOST`` or ``HOST:PORT``; an IPv6 address is in brackets where a port follows.

    Raises:
        UsageError: it is neither.
    """
    no_address = UsageError(f"'{text}' is no address", f"write HOST or HOST:PORT, such as alpha:{DEFAULT_PORT}")
    try:
        parts = urlsplit(f"//{text}")
        port = DEFAULT_PORT if parts.port is None else parts.port
    except ValueError as error:
        raise no_address from error
    if not parts.hostname or parts.path or parts.username is not None:
        raise no_address
    return Address(parts.hostname, port)


def invitation_path(home: Path) -> Path:
    """Where the certificate with its key is kept."""
    return home / FILE_NAME


def find_invitation(home: Path, address: Address) -> Path | None:
    """The certificate to use for an address; None on loopback, where there is none.

    Raises:
        UsageError: others can reach the address, and there is no certificate; or others can read it.
    """
    path = invitation_path(home)
    if path.is_file():
        if path.stat().st_mode & 0o077:
            raise UsageError(f"others than you can read {path}", f"`chmod 600 {path}`; make another one if they did")
        return path
    if address.is_loopback:
        return None
    raise UsageError(f"without a certificate anyone who reaches {address.host} could take part", MAKE_ONE)


def invite(home: Path, *, renew: bool = False) -> Path:
    """Make the certificate, unless there is one; where it is.

    Args:
        home: the lab's cache.
        renew: whether one that is there gives way: hosts that have the old one are shut out.

    Raises:
        UsageError: the library for certificates is not installed.
    """
    path = invitation_path(home)
    if renew or not path.is_file():
        write_whole(path, _certificate(), mode=0o600)
    return path


def _certificate() -> bytes:
    """A key and its self-signed certificate, in PEM."""
    try:
        from cryptography import x509  # noqa: PLC0415 - an extra
        from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    except ImportError as error:
        raise UsageError("certificates cannot be made: cryptography is not installed", INSTALL) from error
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, COMMON_NAME)])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # clocks of hosts differ
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + built.public_bytes(serialization.Encoding.PEM)
