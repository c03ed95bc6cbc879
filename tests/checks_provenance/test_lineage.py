from __future__ import annotations

from dataclasses import replace

import pytest

from gatekeeper.artifact import Irregularity, IrregularityKind, Kind
from gatekeeper.checks.provenance.lineage import Lineage
from gatekeeper.evidence import Hazard, Status
from gatekeeper.limits import Limits
from tests.support.hub_artifacts import COMMIT, CONTEXT, claim, file, folder, hub, run, slugs

GGUF = (file("tiny.Q4_K_M.GGUF"), file("README.md"))
ONNX = (file("onnx/model.onnx"), file("config.json"))


def lineage(*claims, name: str = "acme-models/tiny", kind: Kind = Kind.MODEL, **changes):
    return run(Lineage(), hub(name, kind=kind, lineage=claims, **changes))


def test_a_fine_tune_of_somebody_elses_model_is_normal() -> None:
    result = lineage(claim("other/base", relation="finetune"), claim("Other/Base", "tag"))
    assert slugs(result) == []
    assert result.facts["lineage.bases"] == ("Other/Base",)


def test_a_model_without_a_base_is_normal() -> None:
    result = lineage()
    assert (result.status, result.facts["lineage.bases"]) == (Status.PASS, ())


@pytest.mark.parametrize("written", ["https://huggingface.co/other/base", "hf://other/base@v1", "OTHER/BASE"])
def test_one_base_written_in_two_ways_is_no_contradiction(written: str) -> None:
    result = lineage(claim(written), claim("other/base", "adapter_config"))
    assert result.facts["lineage.contradicts"] is False


def test_different_bases_contradict_and_ask_for_a_look() -> None:
    result = lineage(claim("other/base"), claim("third/base", "adapter_config"))
    assert slugs(result) == ["contradiction"]
    assert result.findings[0].hazard is Hazard.UNVERIFIED
    assert result.facts["lineage.contradicts"] is True


def test_a_source_that_names_more_bases_does_not_contradict() -> None:
    claims = (claim("other/base"), claim("third/base"), claim("third/base", "tag"))
    assert slugs(lineage(*claims)) == []


def test_what_config_json_calls_its_path_contradicts_nothing() -> None:
    result = lineage(claim("other/base"), claim("/fsx/run/7", "config"), claim("third/base", "config"))
    assert slugs(result) == []
    assert result.facts["lineage.bases"] == ("other/base",)


def test_an_artifact_is_not_its_own_base() -> None:
    result = lineage(claim("ACME-models/tiny"), claim("other/base", "tag"))
    assert (slugs(result), result.facts["lineage.bases"]) == ([], ("other/base",))


def test_an_adapter_without_a_base_is_unverified() -> None:
    result = lineage(kind=Kind.ADAPTER)
    assert slugs(result) == ["no-base"]
    assert result.findings[0].hazard is Hazard.UNVERIFIED


def test_an_adapter_whose_base_is_a_path_has_no_base() -> None:
    result = lineage(claim("/home/\u202eann/llama\x1b[0m", "adapter_config"), kind=Kind.ADAPTER)
    assert slugs(result) == ["local-base", "no-base"]
    assert result.findings[0].message.isprintable()


def test_a_path_beside_an_id_is_told_too() -> None:
    claims = (claim("other/base", revision=COMMIT), claim("./llama", "adapter_config"))
    assert slugs(lineage(*claims, kind=Kind.ADAPTER)) == ["local-base"]


@pytest.mark.parametrize(
    ("claims", "pinned"),
    [
        ((claim("other/base", "adapter_config", COMMIT),), True),
        ((claim("other/base"), claim("other/base", "adapter_config", COMMIT)), True),
        ((claim(f"hf://other/base@{COMMIT}"),), True),
        ((claim("other/base", revision="main"),), False),
        ((claim("other/base", revision=COMMIT[:39]),), False),
        ((claim("other/base", revision=COMMIT), claim("third/base")), False),
    ],
)
def test_an_adapters_base_is_pinned_when_each_is_named_with_a_commit(claims, pinned: bool) -> None:
    result = lineage(*claims, kind=Kind.ADAPTER)
    assert result.facts["lineage.pinned"] is pinned
    assert ("base-unpinned" in slugs(result)) is not pinned


def test_an_unpinned_base_of_a_fine_tune_is_history() -> None:
    assert slugs(lineage(claim("other/base"))) == []


@pytest.mark.parametrize("said_by", ["card", "tag", "adapter_config", "config"])
def test_a_denied_base_is_denied_whoever_names_it(said_by: str) -> None:
    result = lineage(claim("Mallory/base", said_by))
    assert slugs(result) == ["base-denied"]
    assert result.findings[0].hazard is Hazard.DENIED


@pytest.mark.parametrize("base", ["g00gle/base", "g\u043e\u043egle/base", "google-ai/base/extra"])
def test_an_imitated_base_is_suspicious(base: str) -> None:
    result = lineage(claim(base))
    assert "base-lookalike" in slugs(result)
    assert result.findings[0].hazard is Hazard.SUSPICIOUS


@pytest.mark.parametrize("base", ["google/base", "GOOGLE/base", "google-bert/base"])
def test_a_trusted_or_merely_related_base_is_no_imitation(base: str) -> None:
    assert slugs(lineage(claim(base))) == []


@pytest.mark.parametrize("files", [GGUF, ONNX])
def test_a_conversion_by_somebody_else_is_unverified(files) -> None:
    result = lineage(claim("other/base"), files=files)
    assert slugs(result) == ["converted"]
    assert (result.findings[0].hazard, result.facts["lineage.converted"]) == (Hazard.UNVERIFIED, True)


def test_what_says_that_it_is_quantised_is_a_conversion_in_any_format() -> None:
    result = lineage(claim("other/base", "tag", relation="quantized"))
    assert slugs(result) == ["converted"]


@pytest.mark.parametrize(
    ("claims", "files"),
    [
        ((claim("Acme-models/base"),), GGUF),
        ((claim("other/base"),), (*ONNX, file("model.safetensors"))),
        ((claim("other/base"),), (*ONNX, file("pytorch_model.bin"))),
        ((claim("other/base", relation="finetune"),), GGUF),
        ((claim("other/base", relation="merge"),), GGUF),
        ((), GGUF),
        ((), ONNX),
    ],
    ids=["own base", "own export", "own export of torch", "own fine-tune", "own merge", "own gguf", "own onnx"],
)
def test_a_trusted_publishers_own_export_is_no_conversion(claims, files) -> None:
    result = lineage(*claims, files=files)
    assert (slugs(result), result.facts["lineage.converted"]) == ([], False)


def test_a_bin_file_that_is_no_weights_does_not_hide_a_conversion() -> None:
    files = (*GGUF, file("training_args.bin"))
    assert slugs(lineage(claim("other/base"), files=files)) == ["converted"]


@pytest.mark.parametrize("files", [GGUF, ONNX])
def test_a_converted_model_of_an_unlisted_publisher_should_name_its_base(files) -> None:
    assert slugs(lineage(name="somebody/tiny", files=files)) == ["undeclared-base"]


def test_a_local_conversion_was_made_by_nobody_who_is_named() -> None:
    result = run(Lineage(), folder(files=GGUF, lineage=(claim("other/base"),)))
    assert slugs(result) == ["converted"]
    assert "nobody" in result.findings[0].message


def test_a_card_that_cannot_be_parsed_leaves_the_check_unknown() -> None:
    broken = Irregularity(kind=IrregularityKind.CARD_UNREADABLE, path="README.md", detail="not YAML")
    assert lineage(irregularities=(broken,)).status is Status.UNKNOWN


def test_more_bases_than_the_limit_are_not_looked_at_and_that_is_said() -> None:
    context = replace(CONTEXT, limits=Limits(base_models=3))
    claims = tuple(claim(f"other/base-{number}") for number in range(3))
    assert run(Lineage(), hub(lineage=claims), context).status is Status.PASS
    many = hub(lineage=(*claims, *claims, claim("other/base-3"), claim("mallory/base")))
    result = run(Lineage(), many, context)
    assert (result.status, slugs(result)) == (Status.UNKNOWN, [])
    assert "base_models" in result.reason
