"""Laws of look-alike names, tried on names of every shape and on the names of real publishers."""

from __future__ import annotations

import string
from itertools import permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gatekeeper.checks.provenance.confusables import ASCII, FOREIGN, PAIRS, folded, skeleton, words
from gatekeeper.checks.provenance.lookalikes import distance, find_lookalike
from gatekeeper.checks.provenance.names import ascii_lower
from gatekeeper.evidence import Confidence

word = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=9)
name = st.lists(word, min_size=1, max_size=3).map("-".join)
long_name = name.filter(lambda text: len(text.replace("-", "")) >= 6)

# Names of organisations on the Hub that are known to be honest, in the letter case that they use.
PUBLISHERS = """
01-ai ai21labs ai4bharat ai-forever Aleph-Alpha Alibaba-NLP allenai almanach amd answerdotai apple arcee-ai argilla
BAAI baidu bartowski bigcode bigscience black-forest-labs ByteDance ByteDance-Seed cardiffnlp city96 codellama
codefuse-ai cognitivecomputations cohere CohereForAI CohereLabs colbert-ir Comfy-Org CompVis cross-encoder cyberagent
databricks dbmdz deepseek-ai deepset DeepPavlov defog diffusers DiscoResearch distilbert dslim EleutherAI elyza
facebook FacebookAI fnlp ggml-org google google-bert google-t5 h2oai Helsinki-NLP hf-internal-testing hfl huggingface
HuggingFaceFW HuggingFaceH4 HuggingFaceM4 HuggingFaceTB ibm ibm-ai-platform ibm-granite ibm-nasa-geospatial
ibm-research IlyaGusev inclusionAI Intel IntelLabs internlm intfloat jinaai kakaocorp keras Kijai kyutai laion LeoLM
LGAI-EXAONE lightonai Lightricks line-corporation LiquidAI liuhaotian llava-hf llm-jp lmms-lab lmstudio-community
lmsys meta-llama microsoft MiniMaxAI mistral-community mistralai mixedbread-ai mlx-community modelscope moonshotai
mosaicml mradermacher naver neuralmagic neuralmind nm-testing nomic-ai NousResearch nvidia onnx-community onnxmodelzoo
openai openai-community openbmb OpenBuddy openchat opencompass OpenGVLab openmmlab OpenMOSS PaddlePaddle papluca
prithivMLmods ProsusAI pyannote pytorch QuantFactory Qwen RedHatAI replit rhymes-ai rinna runwayml Salesforce
sapienzanlp sarvamai sbintuitions sentence-transformers ServiceNow ServiceNow-AI shibing624 skt smallcloudai Snowflake
speechbrain stabilityai stable-diffusion-v1-5 stepfun-ai stockmark suno swiss-ai teknium tencent TencentARC TheBloke
TheDrummer THUDM tiiuae timm togethercomputer unsloth upstage utter-project VAGOsolutions Vikhrmodels Wan-AI WizardLM
WizardLMTeam xai-org Xenova XiaomiMiMo zai-org
""".split()  # noqa: SIM905 - sixty lines shorter than a list

# One organisation under two names; nothing in the names tells such a pair from an imitation.
NEAR_PAIRS = {
    frozenset({"facebook", "FacebookAI"}),
    frozenset({"cohere", "CohereLabs"}),
    frozenset({"Intel", "IntelLabs"}),
    frozenset({"ServiceNow", "ServiceNow-AI"}),
    frozenset({"WizardLM", "WizardLMTeam"}),
}


def imitates(suspect: str, trusted: str) -> bool:
    return find_lookalike(suspect, [trusted]) is not None


def test_honest_publishers_are_not_called_look_alikes_of_each_other() -> None:
    pairs = {frozenset(pair) for pair in permutations(PUBLISHERS, 2) if imitates(*pair)}
    assert pairs == NEAR_PAIRS


@pytest.mark.parametrize("trusted", PUBLISHERS)
def test_a_trusted_name_is_never_flagged(trusted: str) -> None:
    assert find_lookalike(trusted.upper(), PUBLISHERS) is None


@given(st.lists(name, min_size=1, max_size=5), st.data())
def test_whoever_is_trusted_is_no_look_alike(trusted: list[str], data: st.DataObject) -> None:
    assert find_lookalike(data.draw(st.sampled_from(trusted)), trusted) is None


@given(name, name)
def test_letter_case_changes_nothing(suspect: str, trusted: str) -> None:
    assume(suspect != trusted)
    assert imitates(suspect, trusted) == imitates(suspect.upper(), trusted) == imitates(suspect, trusted.upper())


@given(name.filter(lambda text: len(text.replace("-", "")) >= 3), st.data())
def test_a_letter_that_passes_for_another_is_flagged(trusted: str, data: st.DataObject) -> None:
    at = data.draw(st.sampled_from([i for i, letter in enumerate(trusted) if letter != "-"]))
    letter = trusted[at]
    passing = [foreign for foreign, latin in (FOREIGN | ASCII).items() if latin == letter]
    passing += [PAIRS[letter]] if letter in PAIRS else []
    passing += [ASCII[letter]] if letter in ASCII else []
    passing.append(chr(ord(letter) + 0xFEE0))  # the fullwidth form
    suspect = trusted[:at] + data.draw(st.sampled_from(passing)) + trusted[at + 1 :]
    assert imitates(suspect, trusted)
    assert find_lookalike(suspect, [trusted]).confidence is Confidence.HIGH


@given(long_name, st.data())
def test_two_swapped_letters_are_flagged(trusted: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(trusted) - 2))
    suspect = trusted[:at] + trusted[at + 1] + trusted[at] + trusted[at + 2 :]
    assume(suspect != trusted)
    assert imitates(suspect, trusted)


@given(long_name, st.data())
def test_a_missing_letter_is_flagged(trusted: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(trusted) - 1))
    assert imitates(trusted[:at] + trusted[at + 1 :], trusted)


@given(st.text(string.ascii_lowercase, min_size=6, max_size=12), st.data())
def test_a_changed_letter_of_a_long_word_is_flagged(trusted: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(trusted) - 1))
    letter = data.draw(st.sampled_from(string.ascii_lowercase))
    suspect = trusted[:at] + letter + trusted[at + 1 :]
    assume(suspect != trusted)
    assert imitates(suspect, trusted)


@given(name.filter(lambda text: len(text.replace("-", "")) >= 3), st.sampled_from(["", "-", "_", "."]))
def test_a_claim_to_be_the_real_one_is_flagged(trusted: str, separator: str) -> None:
    assert imitates(f"{trusted}{separator}official", trusted)
    assert imitates(f"real{separator}{trusted}", trusted)


@given(name.filter(lambda text: len(text.replace("-", "")) >= 3), st.sampled_from("_."))
def test_separators_do_not_make_another_name(trusted: str, separator: str) -> None:
    assume("-" in trusted)
    assert imitates(trusted.replace("-", separator), trusted)
    assert imitates(trusted.replace("-", ""), trusted)


@given(name, name)
def test_reading_alike_is_symmetric(left: str, right: str) -> None:
    assume(left != right)
    assume(min(len(left.replace("-", "")), len(right.replace("-", ""))) >= 3)
    same = skeleton("".join(words(left))) == skeleton("".join(words(right)))
    assert not same or (imitates(left, right) and imitates(right, left))


@given(st.text(), st.lists(st.text(), max_size=3))
def test_any_text_can_be_compared(suspect: str, trusted: list[str]) -> None:
    likeness = find_lookalike(suspect, trusted)
    assert likeness is None or likeness.publisher in trusted


@given(st.text("ab", max_size=7), st.text("ab", max_size=7), st.text("ab", max_size=7))
def test_distance_is_a_symmetric_count_of_edits(left: str, right: str, other: str) -> None:
    assert (distance(left, right) == 0) == (left == right)
    assert distance(left, right) == distance(right, left)
    assert abs(len(left) - len(right)) <= distance(left, right) <= max(len(left), len(right))
    assert distance(left + other, right + other) <= distance(left, right)


@pytest.mark.parametrize(
    ("suspect", "trusted"),
    [
        ("nvidea", "nvidia"),
        ("goggle", "google"),
        ("meta_llama", "meta-llama"),
        ("metallama", "meta-llama"),
        ("meta-Ilama", "meta-llama"),
        ("llama-meta", "meta-llama"),
        ("meta-llama-hf", "meta-llama"),
        ("real-meta-llama", "meta-llama"),
        ("qvven", "Qwen"),
        ("Qwenn", "Qwen"),
        ("qwen-ai", "Qwen"),
        ("lBM", "ibm"),
        ("ibm-official", "ibm"),
        ("deepseek", "deepseek-ai"),
        ("mistral", "mistralai"),
        ("google2", "google"),
        ("appel", "apple"),
        ("sentance-transfomers", "sentence-transformers"),
        ("mic\u200brosoft", "microsoft"),
        ("\uff47\uff4f\uff4f\uff47\uff4c\uff45", "google"),
        ("\u0432igcode", "bigcode"),
        ("g\u00f6\u00f6gle", "google"),
    ],
)
def test_known_ways_to_imitate(suspect: str, trusted: str) -> None:
    assert imitates(suspect, trusted)


@pytest.mark.parametrize(
    ("suspect", "trusted"),
    [
        ("ibn", "ibm"),
        ("amd", "ibm"),
        ("gwen", "Qwen"),
        ("bai", "BAAI"),
        ("bali", "BAAI"),
        ("open", "openai"),
        ("allen", "allenai"),
        ("meta", "meta-llama"),
        ("google-bert", "google"),
        ("xai-org", "zai-org"),
        ("llm-community", "mlx-community"),
        ("HuggingFaceH4", "huggingface"),
        ("HuggingFaceM4", "HuggingFaceH4"),
        ("bigscience", "bigcode"),
        ("openai-community", "openai"),
        ("", "google"),
        ("google", ""),
        ("ab", "a"),
    ],
)
def test_names_that_are_merely_near(suspect: str, trusted: str) -> None:
    assert not imitates(suspect, trusted)


def test_the_closest_trusted_name_is_given() -> None:
    likeness = find_lookalike("micr0soft", ["macrosoft", "microsoft"])
    assert likeness is not None
    assert (likeness.publisher, likeness.confidence) == ("microsoft", Confidence.HIGH)


def test_tables_are_sound() -> None:
    assert all(not foreign.isascii() and latin in string.ascii_lowercase for foreign, latin in FOREIGN.items())
    assert all(folded(latin) == latin for latin in ASCII.values())
    assert not set("".join(PAIRS.values())) & (set(ASCII) | set(PAIRS))
    assert ascii_lower("ABCz\u212a") == "abcz\u212a"
