"""Policy: the deployer's table and lists, loaded, merged and compiled."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from gatekeeper.decision import Action
from gatekeeper.mention import Ignored, Pattern
from gatekeeper.policy.expressions import Condition
from gatekeeper.population import Population
from gatekeeper.signers import Approver, TrustedSigner


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where something in a policy was written."""

    source: str
    """Path of the file, or the name of a built-in policy."""

    line: int
    """From 1."""

    column: int
    """From 1."""

    builtin: bool = False
    """Whether the file comes with gatekeeper."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row of the decision table."""

    slug: str
    condition: Condition
    action: Action
    words: str = ""
    """The condition in words; may be empty."""

    ask: str
    """What the deployer is asked to do when it fires."""

    origin: Origin

    @property
    def when(self) -> str:
        """The expression as written."""
        return self.condition.source


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiver:
    """One finding that somebody answers for, on one set of bytes, until a date."""

    finding: str
    """Exact id of the finding."""

    subject: str
    """`hf://org/name@<40 hex>` or `sha256:<64 hex>` of a whole artifact."""

    reason: str
    approver: str
    created: date
    """First day on which it counts, in UTC."""

    expires: date
    """Last day on which it counts, in UTC."""

    ticket: str
    """Where it was discussed; may be empty."""

    origin: Origin


@dataclass(frozen=True, kw_only=True, slots=True)
class Thresholds:
    """Numbers that a policy sets."""

    young_repo_days: int = 30
    """A repo younger than this is young."""

    waiver_max_days: int = 90
    """Most days from a waiver's creation to its expiry."""

    waiver_warning_days: int = 14
    """A waiver that expires within this many days says so."""

    approval_max_days: int = 90
    """Most days from an approval's creation to its expiry."""

    approval_warning_days: int = 14
    """An approval that expires within this many days says so."""

    patch_passes: int = 3
    """Most rounds of repair, at least two."""

    patch_attack_success: float = 0.05
    """Greatest upper bound (95 %) of the share of refused prompts that a trigger still makes fail after a patch."""

    patch_utility_loss: float | None = None
    """Most refusals, answers or accuracy that a patch may cost, as a share of the prompts measured; None for what fits
    the model's size."""

    patch_kl: float | None = None
    """Most divergence from the original on harmless text, in nats a token; None for what fits the model's size."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicySource:
    """One file of a policy."""

    name: str
    """Path, or the name of a built-in policy."""

    sha256: str
    """Hexadecimal digest of the raw bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What `load` gives: nothing in it needs the files any more."""

    name: str
    digest: str
    """`sha256:<hex>`: of the file's raw bytes, or, when it names files with keys or populations, over one line for the
    digest of its own bytes and one for that of each such file; for a policy that extends another, over the two lines
    `<own digest>` and `<digest of what it extends>`, each in hexadecimal with a newline."""

    sources: tuple[PolicySource, ...]
    """The policy's own file first, then what it extends."""

    required: tuple[str, ...]
    """Ids of checks that may not end unknown, sorted; never empty."""

    trusted_publishers: frozenset[str] = frozenset()
    """Without those that are denied."""

    denied_publishers: frozenset[str] = frozenset()
    allowed_licences: frozenset[str] = frozenset()
    """Lower case, without those that are refused."""

    refused_licences: frozenset[str] = frozenset()
    contradictions: tuple[str, ...] = ()
    """Publishers and licences that stand on both lists, sorted; the stricter list counts."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    rows: tuple[Row, ...]
    """In the order in which they are tried."""

    waivers: tuple[Waiver, ...] = ()
    signers: tuple[TrustedSigner, ...] = ()
    """Whose signatures on models count."""

    approvers: tuple[Approver, ...] = ()
    """Whose sign-off counts. When empty, an approval needs no signature: the review that brought it in is its proof."""

    populations: tuple[Population, ...] = ()
    """Adapters that the team knows, by which the weights of others are judged."""

    patterns: tuple[Pattern, ...] = ()
    """Where a team's own files name models, for pull requests."""

    ignored: tuple[Ignored, ...] = ()
    """What pull requests are not searched for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SubjectKey:
    """What waivers are bound to."""

    reference: str
    """As asked for: `hf://org/name`, with or without `@revision`, or a local path."""

    commit: str = ""
    """Forty hexadecimal digits; empty for local sources."""

    digest: str = ""
    """SHA-256 of the artifact, hexadecimal; empty when a file was not hashed."""
