"""The line of `gatekeeper audit`: an adapter and its base, both gated; weights, behaviour, verdict, what is needed.

The base goes through the gate like any model. What the table discards is never loaded; what is loaded is laid on the
base without being merged. The one check that judges behaviour is then run again, with what was measured, and the table
is asked anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper import checks, patch, populations, sources, tensors
from gatekeeper.artifact import Kind, Reference
from gatekeeper.attestation import Attestation, Omission
from gatekeeper.audit import Audit, BaseRecord, Behaviour
from gatekeeper.audit_words import needed, reasons, scatters, word_of
from gatekeeper.decision import Action
from gatekeeper.errors import InputError
from gatekeeper.evidence import Evidence
from gatekeeper.gate import Inspection, Run, context_of
from gatekeeper.laying import laid_out, objection, refuse_base, run_of_base
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from gatekeeper.patch import FailureCase
    from gatekeeper.tensors.language_model import LanguageModel

_BEHAVIOUR = "adapter/behaviour"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What an audit was asked for."""

    base: str | Reference
    behaviour: bool = True
    """Whether prompts are run; needs torch and its companions."""

    together: bool = False
    """Whether the composition of all adapters is run, too."""

    populations: tuple[Path, ...] = ()
    """Files of populations beside those of the policy."""

    clean_safe: Path | None = None
    clean_unsafe: Path | None = None
    """JSON Lines of a user's own; None for the prompts that come with the package."""

    eval_file: Path | None = None
    judge: str = "patterns"
    prompts: int | None = None
    """Of each kind; None for what fits the model's size."""

    show: bool = False
    """Whether unsafe texts are kept in clear."""

    seed: int = 0
    device: str = "auto"


@dataclass(frozen=True, kw_only=True, slots=True)
class Audited:
    """One adapter's audit, and what it found that answers badly."""

    attestation: Attestation
    """With its `audit`, and never without a decision."""

    cases: tuple[FailureCase, ...] = ()
    """For `gatekeeper patch`, of the adapter by itself and of the composition."""

    @property
    def audit(self) -> Audit:
        """Give the audit.

        Raises:
            ValueError: When the attestation has none.
        """
        if self.attestation.audit is None:
            raise ValueError("there is no audit")
        return self.attestation.audit

    @property
    def is_allowed(self) -> bool:
        """Whether adapter and base may both be deployed."""
        return self.attestation.verdict.action is Action.ALLOW and self.audit.base.action is Action.ALLOW


@dataclass(frozen=True, kw_only=True, slots=True)
class _Measured:
    """What was measured of one adapter."""

    behaviours: tuple[Behaviour, ...] = ()
    cases: tuple[FailureCase, ...] = ()
    trouble: str = ""


def audit(references: Sequence[str | Reference], run: Run, asked: Asked) -> tuple[Audited, ...]:
    """Audit adapters that are to be laid on one base.

    Args:
        references: At least one, as `gatekeeper.sources.parse` reads it.
        run: Policy, source and what else holds for the run.
        asked: The base, and how far to go.

    Returns:
        One for each reference, in their order.

    Raises:
        GatekeeperError: As for `gate`, or when the base, a population or the prompts can't be used.
    """
    check(references, asked)
    run = with_populations(run, asked.populations)
    own = run_of_base(run)
    with ExitStack() as resources:
        base = resources.enter_context(own.inspect(asked.base))
        refuse_base(base)
        record = record_of(own.decide(base))
        run = replace(run, base=base.artifact)
        seen = [resources.enter_context(run.inspect(reference)) for reference in references]
        for each in seen:
            if each.artifact.kind is not Kind.ADAPTER:
                shown = printable(str(each.artifact.reference), 200)
                raise InputError(f"{shown} is no adapter", hint="`gatekeeper gate` decides on models")
        if asked.together:
            _refuse_twice(seen)
        found = _Bench(run=run, base=base, record=record, asked=asked).measured(seen)
        return tuple(_audited(run, one, record, known) for one, known in zip(seen, found, strict=True))


def _refuse_twice(seen: Sequence[Inspection]) -> None:
    """Refuse the same bytes under two references: together they would act twice as strongly, and nobody serves that."""
    digests = [one.artifact.digest for one in seen]
    twice = next((one for one in seen if digests.count(one.artifact.digest) > 1), None)
    if twice is not None:
        raise InputError(
            f"{printable(str(twice.artifact.reference), 200)} is named twice", hint="name each adapter once"
        )


def check(references: Sequence[str | Reference], asked: Asked) -> None:
    """Refuse what can't be used before anything is fetched.

    Raises:
        InputError: When there is no adapter, one to be composed alone, or prompts, questions or the judge can't be
            used.
    """
    if not references:
        raise InputError("no adapter was named")
    if asked.together and len(references) < 2:
        raise InputError("a composition takes two adapters or more", hint="leave --together out, or name another")
    if asked.together and not asked.behaviour:
        raise InputError("a composition is told by its behaviour", hint="leave --no-behaviour out")
    patch.load_clean(asked.clean_safe, asked.clean_unsafe)
    patch.judge_named(asked.judge)
    if asked.eval_file is not None:
        patch.load_questions(asked.eval_file)


def with_populations(run: Run, files: Sequence[Path]) -> Run:
    """Add populations to those of the policy, and to its digest: another policy could judge otherwise.

    Raises:
        InputError: When one can't be read, or has the name of another.
    """
    if not files:
        return run
    import hashlib

    own = run.policy
    added = tuple(populations.load(path) for path in files)
    names = [population.name for population in (*own.populations, *added)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"two populations are called {printable(twice, 80)!r}")
    lines = [own.digest, *(hashlib.sha256(populations.to_json(one).encode()).hexdigest() for one in added)]
    digest = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    return replace(run, policy=replace(own, populations=(*own.populations, *added), digest=f"sha256:{digest}"))


def record_of(attestation: Attestation) -> BaseRecord:
    """Give what an audit keeps of the base."""
    decision, subject = attestation.verdict, attestation.subject
    reference = f"hf://{subject.name}@{subject.commit}" if subject.commit else subject.reference
    return BaseRecord(
        reference=reference, digest=subject.digest, action=decision.action, row=decision.row, because=decision.because
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bench:
    """Loads adapters on their base and has them measured."""

    run: Run
    base: Inspection
    record: BaseRecord
    asked: Asked

    def measured(self, seen: Sequence[Inspection]) -> list[_Measured]:
        """Measure each by itself, then all of them together where that was asked for."""
        if not self.asked.behaviour:
            return [_Measured()] * len(seen)
        troubles = [self._trouble(one) for one in seen]
        found = [
            _Measured(trouble=trouble) if trouble else self._run([one])
            for one, trouble in zip(seen, troubles, strict=True)
        ]
        if not self.asked.together:
            return found
        broken = next((trouble for trouble in troubles if trouble), "")
        whole = _Measured(trouble=f"the composition was not run: {broken}") if broken else self._run(seen)
        return [
            _Measured(
                behaviours=(*one.behaviours, *whole.behaviours),
                cases=(*one.cases, *whole.cases),
                trouble="; ".join(dict.fromkeys(each for each in (one.trouble, whole.trouble) if each)),
            )
            for one in found
        ]

    def _trouble(self, one: Inspection) -> str:
        """Say why an adapter is not run; empty when it may be."""
        if self.record.action is Action.DISCARD:
            return f"nothing was run: the base is discarded by row {self.record.row}"
        if why := objection(self.base):
            return f"nothing was run: the base is not loaded: {why}"
        decision = self.run.decide(one).verdict
        if decision.action is Action.DISCARD:
            return f"nothing was run: row {decision.row} discards the adapter"
        if why := objection(one):
            return f"nothing was run: the adapter is not loaded: {why}"
        return ""

    def _run(self, seen: Sequence[Inspection]) -> _Measured:
        asked, progress = self.asked, self.run.progress
        with ExitStack() as resources:
            folder = resources.enter_context(laid_out(self.base.artifact))
            laid = [resources.enter_context(laid_out(one.artifact)) for one in seen]
            try:
                model = tensors.load_worn(folder, laid, device=asked.device, progress=progress)
                observed = patch.observe(self._subject(model, seen), progress=progress)
            except InputError as error:
                return _Measured(trouble=f"nothing was measured: {error.message}")
            except (RuntimeError, IndexError, MemoryError) as error:  # what torch raises of weights that don't fit
                reason = printable(f"{type(error).__name__}: {error}", 300)
                return _Measured(trouble=f"nothing was measured: the model can't be run: {reason}")
        return _Measured(behaviours=(observed.behaviour,), cases=observed.cases)

    def _subject(self, model: LanguageModel, seen: Sequence[Inspection]) -> patch.Observation:
        asked = self.asked
        settings = patch.budget_for(model.parameters, seed=asked.seed)
        return patch.Observation(
            model=model,
            clean=patch.load_clean(asked.clean_safe, asked.clean_unsafe),
            judge=patch.judge_named(asked.judge),
            questions=patch.load_questions(asked.eval_file) if asked.eval_file else (),
            budget=settings if asked.prompts is None else replace(settings, prompts=asked.prompts),
            adapters=tuple(one.artifact.digest for one in seen),
            names=tuple(str(one.artifact.reference) for one in seen),
            base_digest=self.base.artifact.digest,
            show=asked.show,
        )


def _audited(run: Run, seen: Inspection, record: BaseRecord, measured: _Measured) -> Audited:
    seen = _judged(run, seen, measured)
    attestation = _told(run.decide(seen), measured)
    word = word_of(attestation)
    found = Audit(
        word=word,
        because=reasons(attestation, record),
        needed=needed(attestation, record, word),
        base=record,
        behaviours=measured.behaviours,
        scatters=scatters(seen, run),
    )
    return Audited(attestation=replace(attestation, audit=found), cases=measured.cases)


def _judged(run: Run, seen: Inspection, measured: _Measured) -> Inspection:
    """Have the check of behaviour look at what was measured."""
    if not measured.behaviours and not measured.trouble:
        return seen
    options = run.source or sources.SourceOptions()
    context = replace(
        context_of(run.policy, seen.moment, options, run.progress),
        behaviours=measured.behaviours,
        behaviour_trouble=measured.trouble,
    )
    own = next(each for each in checks.ALL if each.id == _BEHAVIOUR)
    result = checks.inspect(own, seen.artifact, context)
    results = tuple(result if each.check.id == _BEHAVIOUR else each for each in seen.evidence.results)
    return replace(seen, evidence=Evidence(results=results))


def _told(attestation: Attestation, measured: _Measured) -> Attestation:
    """Say of its behaviour what was looked at, and what not."""
    if not measured.behaviours:
        return attestation
    asked = sum(each.asked for each in measured.behaviours)
    looked = Omission(what="behaviour", why=f"{plural(asked, 'answer')} of base and adapter were looked at, no others")
    limits = dict.fromkeys(limit for each in measured.behaviours for limit in each.limits)
    others = (each for each in attestation.not_checked if each.what not in {"behaviour", "adapter"})
    return replace(
        attestation, not_checked=(looked, *(Omission(what="behaviour", why=limit) for limit in limits), *others)
    )
