import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.conditions import conditions
from generators.errors import InvalidRecipe
from generators.prompt_weights import WeightedPrompt, parse_prompt

GUIDANCES = st.floats(1.0, 12.0)
NEGATIVES = st.sampled_from(["", "blurry"])
PROMPTS = st.sampled_from(["knight", "(red:1.5) knight", "a (big:0) (red:2.5) dragon", "(knight:0)"])


def velocity(texts: list[tuple[str, float]], answers: dict[str, float]) -> float:
    return sum(coefficient * answers[text] for text, coefficient in texts)


@given(PROMPTS, NEGATIVES, GUIDANCES, GUIDANCES)
def test_coefficients_add_up_to_one(prompt: str, negative: str, guidance: float, distilled: float) -> None:
    texts = conditions(prompt, negative, guidance, distilled)
    assert math.isclose(sum(coefficient for _, coefficient in texts), 1, abs_tol=1e-6)
    assert len({text for text, _ in texts}) == len(texts)


@given(PROMPTS, NEGATIVES, GUIDANCES, GUIDANCES)
def test_distilled_network_is_led_to_the_same_velocity(
    prompt: str, negative: str, guidance: float, distilled: float
) -> None:
    plain = {text: len(text) ** 2 / 7 for text in ("", "blurry", "knight", "red knight", "a dragon")}
    plain |= {"a big dragon": 3.0, "a red dragon": -2.0, "a big red dragon": 5.0}
    # What a network answers that learnt to guide every text away from the empty one.
    taught = {text: plain[""] + distilled * (value - plain[""]) for text, value in plain.items()}
    wanted = velocity(conditions(prompt, negative, guidance, 1.0), plain)
    if guidance > 1 or not negative:
        assert velocity(conditions(prompt, negative, guidance, distilled), taught) == pytest.approx(
            wanted, abs=1e-5
        )


def test_guidance_is_the_published_equation() -> None:
    assert conditions("knight", "", 3.0, 1.0) == [("knight", 3.0), ("", -2.0)]
    assert conditions("knight", "blue", 3.0, 1.0) == [("knight", 3.0), ("blue", -2.0)]


@pytest.mark.parametrize("guidance", [0.0, 0.5, 1.0])
def test_without_guidance_the_prompt_stands_alone(guidance: float) -> None:
    assert conditions("knight", "blue", guidance, 1.0) == [("knight", 1.0)]


def test_distilled_guidance_needs_no_second_text() -> None:
    assert conditions("knight", "", 3.0, 3.0) == [("knight", 1.0)]


def test_weight_of_nothing_takes_the_words_away() -> None:
    assert conditions("a (red:0) knight", "", 1.0, 1.0) == [("a knight", 1.0)]
    assert conditions("a (red:1) knight", "", 1.0, 1.0) == [("a red knight", 1.0)]


@pytest.mark.parametrize(
    ("prompt", "text", "phrases"),
    [
        ("a red knight", "a red knight", ()),
        ("a (red:1.5) knight", "a red knight", (("a knight", 1.5),)),
        ("(red cape:1.2), knight", "red cape, knight", (("knight", 1.2),)),
        ("knight, (red cape: .5), sword", "knight, red cape, sword", (("knight, sword", 0.5),)),
        (
            "(red:1.1) knight (big:2) axe",
            "red knight big axe",
            (("knight big axe", 1.1), ("red knight axe", 2.0)),
        ),
        ("knight (old) and (new:1)", "knight (old) and new", ()),
        ("(knight:2)", "knight", (("", 2.0),)),
        ("a 16:9 banner", "a 16:9 banner", ()),
    ],
)
def test_weights_are_read(prompt: str, text: str, phrases: tuple[tuple[str, float], ...]) -> None:
    assert parse_prompt(prompt) == WeightedPrompt(text, phrases)


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("a (red:4) knight", "The weight in '(red:4)' must be from 0 to 3."),
        ("a (red:-1) knight", "The weight in '(red:-1)' must be from 0 to 3."),
        ("a ( :2) knight", "'( :2)' weighs no word; write it as (word:1.3)."),
        ("(a:2) (b:2) (c:2) (d:2) (e:2)", "The prompt weighs 5 phrases; weigh at most 4 of them."),
    ],
)
def test_weight_that_cannot_be_used_is_told(prompt: str, sentence: str) -> None:
    with pytest.raises(InvalidRecipe) as caught:
        parse_prompt(prompt)
    assert str(caught.value) == sentence
