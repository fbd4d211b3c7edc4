"""Settings: read once from the environment at an entry point, validated, and passed on. A bad value stops the start."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator

from app.domain.refusal import Refusal

_PREFIX = "CLOSURES_"
_WITNESS = re.compile(r"([^\s+]{1,255}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44})\s+(https?://[^\s?#]+)")
_SOCKET = "unix:"
_LONGEST_SOCKET = 107  # octets of its path (unix(7))
_ANY_HOST = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
_Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


def _own_address(stated: Mapping[str, Any]) -> str:
    """Return where this machine reaches the service: by loopback where it listens at every address.

    "" where that is a Unix socket: no link leads there.
    """
    host = stated.get("host", "127.0.0.1")
    if host.startswith(_SOCKET):
        return ""
    return f"http://{_in_a_url('127.0.0.1' if host in _ANY_HOST else host)}:{stated.get('port', 8000)}"


def _in_a_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class SettingsRefused(Refusal):
    """An environment variable holds a value that the service cannot start with."""

    code = "settings"


class Settings(BaseModel):
    """What the environment says, as ``CLOSURES_NAME`` or, for a file that holds the value, ``CLOSURES_NAME_FILE``.

    Rules that people change (recommended days, region, thresholds, retention) are not here: they live in the database
    with their history.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True)

    data_dir: Path = Path("closures-data")
    key_dir: Path = Path("closures-keys")
    database_url: SecretStr = SecretStr("")
    host: _Text = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    # Who changes the port or the address alone wants the links to go there too.
    base_url: str = Field(default_factory=_own_address)
    # Workers: twice as many live while they are changed, and are counted (app/web/shared_counts.py). Threads: half of
    # them for one credential is enough to read beside a write, and large reports, two of a process, leave some free;
    # each may need a connection to the database, of which a process has 18.
    web_workers: int = Field(default=2, ge=1, le=32)
    web_threads: int = Field(default=6, ge=4, le=16)
    kek: SecretStr | None = None
    kek_old: SecretStr | None = None
    trusted_proxies: int = Field(default=0, ge=0, le=5)
    smtp_url: SecretStr | None = None
    # A mailbox that notices come to, and the name server that is asked for the keys of who signed them.
    imap_url: SecretStr | None = None
    imap_token_file: Path | None = None
    dns: str = Field(default="", pattern=r"^(|([\d.]{7,15}|\[[\da-fA-F:]+\]):\d{1,5})$")
    log: Literal["json", "console"] = "console"
    request_log: bool = False
    security_log: str = Field(
        default="",
        pattern=r"^(|/[^\x00-\x1f\x7f]+|syslog:(/[^\x00-\x1f\x7f]+|(udp|tcp)://([\w.-]+|\[[\da-fA-F:]+\]):\d{1,5}))$",
    )
    uid_domain: str = Field(default="gateway-closures", pattern=r"^[a-z0-9]([a-z0-9.-]{0,98}[a-z0-9])?$")
    allow_private_sources: bool = False
    # What one User may ask of all (docs/operating.md#fair-shares).
    planned_per_user: int = Field(default=20_000, ge=1)
    report_octets: int = Field(default=20_000_000, ge=1)
    report_instances: int = Field(default=20_000, ge=1)
    report_seconds: int = Field(default=10, ge=1, le=60)
    # Backups that the scheduler takes by itself, where a folder for them is named.
    backup_dir: Path | None = None
    backup_every_hours: int = Field(default=24, ge=1, le=24 * 366)
    backup_keep: int = Field(default=7, ge=1)
    organizer_name: _Text = "Gateway closure notices"
    organizer_email: str = Field(default="noreply@gateway-closures.invalid", pattern=r"^[^@\s<>]+@[A-Za-z0-9.-]+$")

    oidc_issuer: str = Field(
        default="", pattern=r"^(|https://[^\s?#]+|http://(127\.0\.0\.1|localhost)(:\d+)?(/[^\s?#]*)?)$"
    )
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")

    witnesses: tuple[tuple[str, str], ...] = ()
    witness_quorum: int | None = Field(default=None, ge=1)

    @field_validator("host")
    @classmethod
    def _is_an_address_or_a_path(cls, value: str) -> str:
        path = value.removeprefix(_SOCKET)
        if path != value and not (path.startswith("/") and len(path.encode()) <= _LONGEST_SOCKET):
            message = (
                f"must be a whole path where it is a socket, unix:/run/closures/web.sock, of {_LONGEST_SOCKET} octets"
            )
            raise ValueError(message)
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _says_who_asks(cls, value: int, info: ValidationInfo) -> int:
        if value == 0 and info.data.get("host", "").startswith(_SOCKET):
            message = "must be 1 or more behind a Unix socket: only the proxy knows who asks"
            raise ValueError(message)
        return value

    @field_validator("witnesses", mode="before")
    @classmethod
    def _are_witnesses(cls, value: object) -> object:
        """Read lines of a verifier key and an address; a name stands once."""
        if not isinstance(value, str):
            return value
        found = [_WITNESS.fullmatch(line.strip()) for line in value.splitlines() if line.strip()]
        names = {one[1].partition("+")[0] for one in found if one}
        if len(names) != len(found):
            message = "must be lines such as witness.example.org/w1+0a1b2c3d+BA... https://witness.example.org"
            raise ValueError(message)
        return tuple((one[1], one[2].rstrip("/")) for one in found if one)

    @field_validator("witness_quorum")
    @classmethod
    def _can_be_met(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and value > len(info.data.get("witnesses", ())):
            message = "is more than there are witnesses"
            raise ValueError(message)
        return value

    @field_validator("oidc_client_secret")
    @classmethod
    def _is_whole(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        stated = [info.data.get("oidc_issuer"), info.data.get("oidc_client_id"), value.get_secret_value()]
        if any(stated) and not all(stated):
            message = "sign-in by OpenID Connect takes an issuer, a client id and a client secret together"
            raise ValueError(message)
        return value

    @field_validator("base_url")
    @classmethod
    def _is_an_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            message = "must be an address such as https://closures.example.org"
            raise ValueError(message)
        if parts.path.strip("/"):
            # Calendar programs look for /.well-known/caldav, and for hrefs, at the root of a host.
            message = "must have no path: give the service a host name, or a port, of its own"
            raise ValueError(message)
        return value.rstrip("/")

    @field_validator("smtp_url")
    @classmethod
    def _is_a_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(value.get_secret_value()) if value is not None else None
        if parts is not None and (
            parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.port == 0 or parts.path.strip("/")
        ):
            message = "must be an address such as smtp://user:password@mail.example.org:587 or smtps://..."
            raise ValueError(message)
        return value

    @field_validator("imap_url")
    @classmethod
    def _is_a_mailbox(cls, value: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(value.get_secret_value()) if value is not None else None
        if parts is not None and (
            parts.scheme not in {"imap", "imaps"} or not parts.hostname or not parts.username or parts.port == 0
        ):
            message = "must be an address such as imaps://user:password@mail.example.org/INBOX"
            raise ValueError(message)
        return value

    @property
    def database(self) -> str:
        """The SQLAlchemy URL: as given, else the embedded SQLite file in the data folder."""
        given = self.database_url.get_secret_value()
        return given or f"sqlite:///{(self.data_dir / 'closures.sqlite3').absolute()}"

    @property
    def quorum(self) -> int:
        """How many witnesses must cosign: as stated, else more than half of them; 0 without witnesses."""
        return self.witness_quorum or (len(self.witnesses) // 2 + 1 if self.witnesses else 0)

    @property
    def is_https(self) -> bool:
        """Tell whether people reach the service over TLS, so that cookies may be bound to it."""
        return self.base_url.startswith("https://")

    @property
    def listens_at(self) -> str:
        """Where the web process listens, as ``host:port`` or ``unix:/path``; an IPv6 address stands in brackets."""
        return self.host if self.host.startswith(_SOCKET) else f"{_in_a_url(self.host)}:{self.port}"

    @property
    def is_bare(self) -> bool:
        """Tell whether other machines may reach the service itself, and nothing says that a proxy with TLS is there."""
        try:
            is_ours_alone = ip_address(self.host).is_loopback
        except ValueError:
            is_ours_alone = self.host == "localhost"
        return not (is_ours_alone or self.trusted_proxies or self.is_https)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from ``environ``; raise ``SettingsRefused`` naming the variable, never its value."""
    values: dict[str, str] = {}
    for name in Settings.model_fields:
        variable = _PREFIX + name.upper()
        file_name = environ.get(f"{variable}_FILE")
        if file_name is not None and variable in environ:
            raise SettingsRefused(f"Both {variable} and {variable}_FILE are set.", "Keep one of them.")
        if file_name is not None:
            try:
                values[name] = Path(file_name).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as problem:
                raise SettingsRefused(
                    f"The file that {variable}_FILE names cannot be read.", "Check its path and permissions."
                ) from problem
        elif environ.get(variable):
            values[name] = environ[variable]
    try:
        return Settings.model_validate(values)
    except ValidationError as problem:
        faults = "; ".join(
            f"{_PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in problem.errors(include_input=False)
        )
        raise SettingsRefused(
            f"The settings do not hold: {faults}.", "See the table in docs/operating.md."
        ) from problem
