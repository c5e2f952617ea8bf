"""What a picture is steered by: texts, and how much of each one's velocity the picture follows."""

from generators.prompt_weights import parse_prompt

Conditions = list[tuple[str, float]]


def conditions(prompt: str, negative_prompt: str, guidance: float, distilled_guidance: float) -> Conditions:
    """The texts that the network reads in each step, and the coefficients that its velocities are added with.

    They add up to one. Guidance g is ``v(negative) + g (v(prompt) - v(negative))`` (Ho & Salimans 2022, eq. 6), with
    no negative prompt the empty text in its place. A network that was distilled with guidance d answers a text with
    ``v(empty) + d (v(text) - v(empty))`` in one pass; solved for the velocities of eq. 6, that needs the prompt alone
    where g is d, and further passes for any other g, a negative prompt or weighted words. A phrase of weight w adds
    ``(w - 1) (v(prompt) - v(prompt without it))``, so that 0 takes it away.

    Raises InvalidRecipe where the prompt's weights cannot be read.
    """
    weighted = parse_prompt(prompt)
    guided = guidance if guidance > 1 else 1.0  # as diffusers: up to one, the prompt alone
    share = guided / distilled_guidance
    found: dict[str, float] = {}

    def add(text: str, coefficient: float) -> None:
        found[text] = found.get(text, 0.0) + coefficient

    add(weighted.text, share)
    add("", 1 - share)
    if negative_prompt and guided > 1:
        # Relative to the empty text, the negative prompt takes over its part of (1 - g), over d.
        add(negative_prompt, (1 - guided) / distilled_guidance)
        add("", (guided - 1) / distilled_guidance)
    for without, weight in weighted.phrases:
        add(weighted.text, share * (weight - 1))
        add(without, -share * (weight - 1))
    return [(text, coefficient) for text, coefficient in found.items() if abs(coefficient) > 1e-9]
