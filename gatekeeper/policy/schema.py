"""The form of a policy document: what pydantic checks, and what the published JSON Schema says."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from gatekeeper.errors import PolicyError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.policy.document import Document, Path
from gatekeeper.policy.expressions import nearest
from gatekeeper.text import printable

API_VERSION = "gatekeeper/v1"
"""What `apiVersion` must say."""

MAX_ROWS = 200
"""Rows, waivers, signers, approvers or test cases in one file."""

MAX_NAMES = 5_000
"""Publishers or licences in one list."""

MAX_POPULATIONS = 20
"""Populations of adapters in one file."""

MAX_EXPRESSION = 2_000
"""Characters of one `when`."""

_SLUG = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
_PUBLISHER = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$"
_LICENCE = r"^[a-z0-9][a-z0-9.+-]{0,63}$"
_CHECK = r"^[a-z0-9-]+/[a-z0-9-]+$"
_FINDING = r"^[a-z0-9-]+/[a-z0-9-]+/[a-z0-9-]+$"
_ISSUER = r"^https://[!-~]+$"
_SUBJECT = r"^(sha256:[0-9a-f]{64}|hf://[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9._-]+@[0-9a-f]{40})$"

_EXPECTED = {
    _SLUG: "words of small letters and digits joined by hyphens are expected",
    _PUBLISHER: "the name of an organisation or user on the Hub is expected, without a repo",
    _LICENCE: "a licence id in small letters is expected, such as apache-2.0",
    _CHECK: "a check id is expected, such as files/structure",
    _ISSUER: "the https:// address of an OpenID Connect issuer is expected",
    _FINDING: "the full id of a finding is expected, such as provenance/revision/unpinned",
    _SUBJECT: "hf://org/name@<40 hexadecimal digits> or sha256:<64 hexadecimal digits> is expected",
}


def _literal(value: Any) -> Any:
    """Read the bare word `true` in `when: true` as the expression that it is."""
    return str(value).lower() if isinstance(value, bool) else value


def _iso_date(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _pem(value: Any) -> Any:
    """Read a bare text as the PEM itself."""
    return {"pem": value} if isinstance(value, str) else value


_WHEN_SCHEMA = WithJsonSchema(
    {"anyOf": [{"type": "string", "minLength": 1, "maxLength": MAX_EXPRESSION}, {"type": "boolean"}]}
)

_PEM_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "minLength": 1, "maxLength": DEFAULT_LIMITS.key_bytes},
            {
                "type": "object",
                "properties": {"file": {"type": "string", "minLength": 1, "maxLength": 500}},
                "required": ["file"],
                "additionalProperties": False,
            },
        ]
    }
)

Slug = Annotated[str, Field(pattern=_SLUG, max_length=64)]
Publisher = Annotated[str, Field(pattern=_PUBLISHER)]
Licence = Annotated[str, Field(pattern=_LICENCE)]
CheckId = Annotated[str, Field(pattern=_CHECK, max_length=100)]
FindingId = Annotated[str, Field(pattern=_FINDING, max_length=150)]
Line = Annotated[str, Field(min_length=1, max_length=500)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Day = Annotated[date, BeforeValidator(_iso_date)]
ActionWord = Literal["allow", "audit", "patch", "escalate", "discard"]


class Model(BaseModel):
    """Strict base: unknown keys and conversions are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


AnyModel = TypeVar("AnyModel", bound=Model)


class Publishers(Model):
    """Whom to trust is the deployer's to say."""

    trusted: list[Publisher] = Field(default=[], max_length=MAX_NAMES)
    denied: list[Publisher] = Field(default=[], max_length=MAX_NAMES, description="beats `trusted`")


class Licences(Model):
    """Licence ids as the Hub writes them."""

    allowed: list[Licence] = Field(default=[], max_length=MAX_NAMES)
    refused: list[Licence] = Field(default=[], max_length=MAX_NAMES, description="beats `allowed`")


class Thresholds(Model):
    """Numbers with units; one that is left out is inherited."""

    young_repo_days: int | None = Field(default=None, ge=0, le=3650, description="a younger repo is young")
    waiver_max_days: int | None = Field(default=None, ge=1, le=366, description="longest life of a waiver")
    waiver_warning_days: int | None = Field(default=None, ge=0, le=366, description="when to say that it expires")
    approval_max_days: int | None = Field(default=None, ge=1, le=366, description="longest life of an approval")
    approval_warning_days: int | None = Field(default=None, ge=0, le=366, description="when to say that it expires")
    patch_passes: int | None = Field(default=None, ge=2, le=10, description="most rounds of repair")
    patch_attack_success: float | None = Field(
        default=None, gt=0, le=0.5, description="upper bound (95 %) of what a trigger still does after a patch; a share"
    )
    patch_utility_loss: float | None = Field(
        default=None,
        ge=0,
        le=0.5,
        description="most refusals or right answers that a patch may cost, a share; by size when left out",
    )
    patch_kl: float | None = Field(
        default=None, gt=0, le=1, description="most divergence on harmless text, nats a token; by size when left out"
    )


class Row(Model):
    """One row of the decision table."""

    row: Slug
    when: Annotated[str, Field(min_length=1, max_length=MAX_EXPRESSION), BeforeValidator(_literal), _WHEN_SCHEMA] = (
        Field(description="a boolean CEL expression over the facts")
    )
    words: str = Field(default="", max_length=500, description="the condition in words, as reports say it")
    action: ActionWord
    ask: str = Field(default="", max_length=500, description="what the deployer is asked to do")
    before: Slug | None = Field(default=None, description="row above which this one is put")


class Waiver(Model):
    """One finding that somebody answers for, on one set of bytes, until a date."""

    finding: FindingId
    subject: str = Field(pattern=_SUBJECT, max_length=300)
    reason: Line
    approver: Line
    created: Day
    expires: Day = Field(description="last day on which it counts, in UTC")
    ticket: Line | None = None


class Pem(Model):
    """A key or certificates: the PEM itself, or the file that holds it."""

    pem: str | None = Field(default=None, min_length=1, max_length=DEFAULT_LIMITS.key_bytes)
    file: Line | None = None


PemOrFile = Annotated[Pem, BeforeValidator(_pem), _PEM_SCHEMA]


class Signer(Model):
    """Somebody whose signature on a model counts: by a key, by certificates, or by an identity."""

    name: Name = Field(description="by which reports and the lock name it")
    key: PemOrFile | None = Field(default=None, description="public key, PEM or {file: PATH}: P-256, P-384 or P-521")
    certificates: PemOrFile | None = Field(default=None, description="root certificates, PEM or {file: PATH}")
    identity: Line | None = Field(default=None, description="keyless: the identity in the certificate")
    issuer: str | None = Field(default=None, pattern=_ISSUER, max_length=500, description="keyless: who vouched for it")
    publishers: list[Publisher] = Field(default=[], max_length=MAX_NAMES, description="whose models; all when empty")


class Adapters(Model):
    """By what adapters are judged."""

    populations: list[Line] = Field(
        default=[],
        max_length=MAX_POPULATIONS,
        description="files that `gatekeeper calibrate` made, relative to this one",
    )


class Approver(Model):
    """Somebody whose sign-off counts."""

    name: Name
    key: PemOrFile = Field(description="public key, PEM or {file: PATH}: P-256")


class CiPattern(Model):
    """A place of a team's own where files name models."""

    path: Line = Field(description="glob over whole paths in the repository; * goes over slashes")
    find: Line = Field(description="regular expression for one line, with the groups `name` and perhaps `revision`")
    role: Literal["model", "adapter", "tokenizer"] = "model"


class CiIgnored(Model):
    """What pull requests are not searched for: exactly one of the two."""

    path: Line | None = Field(default=None, description="glob over paths in the repository: these files are not read")
    name: Line | None = Field(default=None, description="glob over names, such as acme/*: these are no models")


class Ci(Model):
    """How pull requests are searched for models."""

    patterns: list[CiPattern] = Field(default=[], max_length=MAX_ROWS)
    ignore: list[CiIgnored] = Field(default=[], max_length=MAX_ROWS)


class PolicyDocument(Model):
    """A policy file."""

    apiVersion: Literal["gatekeeper/v1"]  # noqa: N815 - the key's customary spelling
    kind: Literal["Policy"]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    extends: Line | None = Field(default=None, description="default, strict, or a path relative to this file")
    publishers: Publishers = Field(default_factory=Publishers)
    licences: Licences = Field(default_factory=Licences)
    required: list[CheckId] = Field(default=[], max_length=MAX_ROWS, description="checks that must not be unknown")
    thresholds: Thresholds = Field(default_factory=Thresholds)
    rows: list[Row] = Field(default=[], max_length=MAX_ROWS)
    waivers: list[Waiver] = Field(default=[], max_length=MAX_ROWS)
    signers: list[Signer] = Field(default=[], max_length=MAX_ROWS, description="whose signatures on models count")
    adapters: Adapters = Field(default_factory=Adapters)
    approvers: list[Approver] = Field(default=[], max_length=MAX_ROWS, description="whose sign-off counts; none: all")
    ci: Ci = Field(default_factory=Ci)


def validate(model: type[AnyModel], document: Document) -> AnyModel:
    """Check a document's data against a model.

    Raises:
        PolicyError: For the first problem in the file, with line and column, and how many more there are.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems = [_problem(model, document, item) for item in error.errors(include_url=False)]
        first = min(problems, key=lambda problem: (problem.line, problem.column))
        if len(problems) > 1:
            more = f"{len(problems) - 1} more in this file"
            first.hint = f"{first.hint} ({more})" if first.hint else more
        raise first from None


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of a policy file, for editors."""
    schema = PolicyDocument.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:{API_VERSION}:policy", **schema}


def _problem(model: type[Model], document: Document, item: Any) -> PolicyError:
    path: Path = tuple(item["loc"])
    name = printable(str(path[-1]), 80) if path else ""
    if item["type"] == "extra_forbidden":
        hint = nearest(name, _keys(model, path[:-1]))
        return document.error(f"unknown key `{name}`", path, key=True, hint=hint)
    if item["type"] == "missing":
        return document.error(f"`{name}` is missing", path[:-1])
    dotted = ".".join(str(part) for part in path)
    message = str(item["msg"]).removeprefix("Value error, ")
    message = _EXPECTED.get(item.get("ctx", {}).get("pattern", ""), message[:1].lower() + message[1:])
    return document.error(f"`{printable(dotted)}`: {printable(message)}", path)


def _keys(model: type[Model], path: Path) -> list[str]:
    """Give the keys that are known at a place, from the JSON Schema."""
    schema: Any = model.model_json_schema()
    definitions = schema.get("$defs", {})
    for part in path:
        schema = schema.get("items", {}) if isinstance(part, int) else schema.get("properties", {}).get(part, {})
        schema = definitions.get(schema.get("$ref", "").rsplit("/", 1)[-1], schema)
    return list(schema.get("properties", {}))
