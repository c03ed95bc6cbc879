from __future__ import annotations

import pytest

from gatekeeper.artifact import Irregularity, IrregularityKind
from gatekeeper.checks.provenance.licence import Licence
from gatekeeper.evidence import Hazard, Status
from tests.support.hub_artifacts import file, folder, hub, platform, run, slugs


def licence(card: dict[str, object], tags: tuple[str, ...] = (), **changes):
    return run(Licence(), hub(card=card, record=platform(tags=tags), **changes))


@pytest.mark.parametrize(
    "written",
    ["mit", "MIT", " Mit ", "Apache-2.0", "apache_2.0", "Apache 2.0", ["mit", "apache-2.0"], "MIT OR (Apache-2.0)"],
)
def test_an_allowed_licence_passes_however_it_is_written(written: object) -> None:
    result = licence({"license": written})
    assert (slugs(result), result.facts["licence.status"]) == ([], "allowed")


@pytest.mark.parametrize(
    "written",
    ["cc-by-nc-4.0", "CC-BY-NC-4.0", "gpl-3.0", "GPL-3.0-only", "GPL-3.0-or-later", "gpl-3.0+", ["mit", "gpl-3.0"],
     "MIT and GPL-3.0", "gpl-3.0 WITH classpath-exception"],
)  # fmt: skip
def test_a_refused_licence_is_suspicious_wherever_it_stands(written: object) -> None:
    result = licence({"license": written})
    assert (slugs(result), result.facts["licence.status"]) == (["refused"], "refused")
    assert result.findings[0].hazard is Hazard.SUSPICIOUS


def test_refused_counts_before_allowed_when_card_and_tags_differ() -> None:
    result = licence({"license": "mit"}, ("license:gpl-3.0",))
    assert slugs(result) == ["refused", "contradiction"]


@pytest.mark.parametrize("written", ["llama3", "lgpl-3.0", "mit-0", ["mit", "llama3"], "unknown"])
def test_a_licence_on_no_list_is_told_and_moves_nothing(written: object) -> None:
    result = licence({"license": written})
    assert (slugs(result), result.facts["licence.status"]) == (["unlisted"], "unlisted")
    assert result.findings[0].hazard is Hazard.NONE


def test_other_is_named_by_its_name() -> None:
    card = {"license": "other", "license_name": "Acme Community", "license_link": "LICENSE"}
    result = licence(card, ("license:other",))
    assert slugs(result) == ["unlisted"]
    assert result.facts["licence.id"] == "acme-community"
    assert "'LICENSE'" in result.findings[0].message


def test_a_name_counts_only_beside_other() -> None:
    assert licence({"license": "mit", "license_name": "cc-by-nc-4.0"}).facts["licence.id"] == "mit"
    assert licence({"license": "other", "license_name": "cc-by-nc-4.0"}).facts["licence.status"] == "refused"


def test_a_tag_alone_declares_a_licence() -> None:
    result = licence({}, ("license:mit", "region:us"))
    assert (slugs(result), result.facts["licence.id"]) == ([], "mit")


@pytest.mark.parametrize("card", [{}, {"license": None}, {"license": ""}, {"license": []}, {"licence": "mit"}])
def test_no_licence_is_missing(card: dict[str, object]) -> None:
    result = licence(card)
    assert (slugs(result), result.facts["licence.status"]) == (["missing"], "missing")


@pytest.mark.parametrize("path", ["LICENSE", "licence.md", "COPYING", "LICENSE-APACHE"])
def test_a_licence_file_with_a_silent_card_is_worth_a_line(path: str) -> None:
    result = licence({}, files=(file(path),))
    assert (slugs(result), result.status) == (["file-only"], Status.PASS)
    assert result.facts["licence.status"] == "missing"


@pytest.mark.parametrize("path", ["docs/LICENSE", "licenses", "license_plate_model.bin"])
def test_a_file_of_another_name_is_no_licence(path: str) -> None:
    assert slugs(licence({}, files=(file(path),))) == ["missing"]


@pytest.mark.parametrize("value", [7, True, {"id": "mit"}, ["mit", 7], 1.5])
def test_a_licence_that_is_no_text_is_malformed(value: object) -> None:
    assert "malformed" in slugs(licence({"license": value}))


def test_hostile_licences_are_shown_printable_and_short() -> None:
    result = licence({"license": "mit\u202e\x1b[31m" + "x" * 100_000})
    assert result.findings[0].message.isprintable()
    assert len(result.findings[0].message) < 300
    assert len(str(result.facts["licence.id"])) <= 200


def test_a_local_folder_has_a_card_too() -> None:
    assert run(Licence(), folder(card={"license": "mit"})).status is Status.PASS


def test_a_card_that_cannot_be_parsed_leaves_the_check_unknown() -> None:
    broken = Irregularity(kind=IrregularityKind.CARD_UNREADABLE, path="README.md", detail="not YAML")
    other = Irregularity(kind=IrregularityKind.CARD_UNREADABLE, path="adapter_config.json", detail="not JSON")
    assert licence({}, irregularities=(broken,)).status is Status.UNKNOWN
    assert licence({"license": "mit"}, irregularities=(other,)).status is Status.PASS
