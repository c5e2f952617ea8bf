"""A story becomes a storyboard by rules alone: a shot for each sentence, the same every time."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from assets.asset import AssetKind
from engine.errors import InvalidRequest
from engine.storyboard.role import Role, words_of
from engine.storyboard.script import MAX_SHOTS, MAX_TEXT

MAX_STORY_CHARACTERS = 6_000
LETTERS_A_SECOND = 14  # what adults read of subtitles with ease; Netflix's guide allows 20
SHORTEST_S, LONGEST_S = 2.5, 9.0
WIDTH, GROUND, FEET, BEHIND = 320, 104, 142, 136  # of the usual scene of 320 x 180; subtitles begin at 148
PACE = {"walk": 36, "run": 80}  # pixels a second that suit the legs of a figure of 64 pixels

_VERBS = {
    "walk": "walk go come travel wander step stroll enter arrive leave approach follow cross climb went came left "
    "march return journey search explore",
    "run": "run flee chase rush hurry charge escape race sprint dash ran fled hunt",
    "attack": "attack fight strike hit slash swing battle stab punch smash shoot fought struck duel clash bite",
    "slay": "slay slew kill defeat vanquish destroy",
    "cast": "cast spell magic summon conjure enchant bless heal curse chant",
    "hurt": "hurt wound stumble scream injure suffer",
    "die": "die dead death collapse perish dying",
    "float": "float hover fly flew levitate drift",
    "spin": "spin spun rotate whirl",
    "burn": "burn flame blaze fire",
    "glow": "glow shine shone sparkle gleam glitter shimmer",
    "open": "open unlock",
}
ACTION_OF = {verb: action for action, verbs in _VERBS.items() for verb in verbs.split()}
OF_ITEMS = frozenset("float spin burn glow open".split())
# Words of a place -> the sky and the floor where no tile was cast.
_PLACES = (
    ("night moon dark star midnight evening dusk", "#1b2140", "#2c2f4a"),
    ("cave dungeon crypt tomb mine underground tunnel", "#1e1a24", "#3a3340"),
    ("lava volcano hell inferno", "#3a1418", "#5a2a22"),
    ("snow ice frozen winter frost", "#9fc3d8", "#dfe9ee"),
    ("sea beach water river lake ocean island", "#5aa0c8", "#d8c690"),
    ("desert sand dune", "#d8a868", "#c89858"),
    ("forest wood tree jungle grove", "#4a7a78", "#3c5a34"),
    ("castle hall throne tower temple room house", "#4a4058", "#6a5a58"),
)
_DAY = ("#5a7fb5", "#5c7a44")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[.!?…][\"'”’)])\s+")


def sentences(story: str) -> list[str]:
    """The story in pieces that each fit a subtitle. Raises InvalidRequest for one that cannot be filmed."""
    if len(story) > MAX_STORY_CHARACTERS:
        raise InvalidRequest(
            f"The story has {len(story):,} characters; shorten it to {MAX_STORY_CHARACTERS:,} or fewer."
        )
    if any(
        (ord(letter) < 32 and not letter.isspace()) or 0xD800 <= ord(letter) <= 0xDFFF for letter in story
    ):
        raise InvalidRequest("The story holds control characters; remove them.")
    pieces = [piece for one in _SENTENCE.split(" ".join(story.split())) if one for piece in _pieces(one)]
    if not any(words_of(piece) for piece in pieces):
        raise InvalidRequest("The story is empty; tell it in a few sentences.")
    if len(pieces) > MAX_SHOTS:
        raise InvalidRequest(f"The story has {len(pieces)} sentences; a film has at most {MAX_SHOTS} shots.")
    return pieces


def _pieces(sentence: str) -> Iterator[str]:
    while len(sentence) > MAX_TEXT:
        head = sentence[: MAX_TEXT + 1]
        cut = max(head.rfind(", ") + 1, head.rfind("; ") + 1) or head.rfind(" ")
        cut = cut if cut > 0 else MAX_TEXT
        yield sentence[:cut].strip()
        sentence = sentence[cut:].strip()
    yield sentence


def plan(story: str, roles: Sequence[Role]) -> dict[str, Any]:
    """The storyboard, as plain values, of a story played by ``roles``. Raises InvalidRequest."""
    texts = sentences(story)
    players = [role for role in roles if role.kind not in (AssetKind.TILE, AssetKind.ILLUSTRATION)]
    if not players:
        raise InvalidRequest(
            "There is nobody to play the story; draw a character with `lorespark create`, or name assets with --cast."
        )
    words = texts[0].rstrip(".!?… ").split()
    shots: list[dict[str, Any]] = []
    before: list[Role] = []
    tiles = [role for role in roles if role.kind is AssetKind.TILE]
    place = _scene(words_of(story), tiles, None)  # where nothing else is said, it plays where the story does
    for number, text in enumerate(texts):
        before = _meant(words_of(text), players, before)[:3]
        place = _scene(words_of(text), tiles, place)
        shots.append(_shot(number, text, before, place))
    return {"title": " ".join(words[:8])[:MAX_TEXT] or "A story", "shots": shots}


def _meant(words: Sequence[str], players: Sequence[Role], before: Sequence[Role]) -> list[Role]:
    """Who plays in a sentence, in its order; where it names no figure, as in "she finds a potion", who did before."""
    found = [(at, number) for number, role in enumerate(players) if (at := role.place_in(words)) is not None]
    first: dict[str, Role] = {}
    for _, number in sorted(found):
        role = players[number]
        first.setdefault(role.name or role.nouns[-1], role)  # one knight is meant, not every one
    meant = list(first.values())
    if any(role.kind is AssetKind.CHARACTER for role in meant):
        return meant
    figures = [role for role in (*before, *players) if role.kind is AssetKind.CHARACTER]
    return [*figures[:1], *meant] or [*before[:1]] or [players[0]]


def _scene(words: Sequence[str], tiles: Sequence[Role], before: dict[str, Any] | None) -> dict[str, Any]:
    """Background, sky and ground: those of the place that is named, else as before."""
    stems = {stem for word in words for stem in _stems(word)}
    named = next(((sky, floor) for known, sky, floor in _PLACES if stems & set(known.split())), None)
    sky, floor = named or (_DAY if before is None else (before["sky"], before["background"]))
    tile = next((role for role in tiles if role.place_in(words) is not None), None)
    if tile is None and tiles:
        background = tiles[0].asset_id if before is None else before["background"]
    else:
        background = floor if tile is None else tile.asset_id
    return {"background": background, "sky": sky, "ground": GROUND}


def _shot(number: int, text: str, cast: Sequence[Role], place: dict[str, Any]) -> dict[str, Any]:
    seconds = min(max(len(text) / LETTERS_A_SECOND + 1, SHORTEST_S), LONGEST_S)
    seconds = round(seconds * 4) / 4  # whole frames at 12 a second
    members = _members(words_of(text), cast, seconds)
    return {
        "seconds": seconds,
        **place,
        "cast": members,
        "camera": _camera(number, members[0]),
        "subtitle": text,
    }


def _members(words: Sequence[str], cast: Sequence[Role], seconds: float) -> list[dict[str, Any]]:
    """The first figure does what the sentence says, on the left; the others are on the right and suffer it."""
    figures = [role for role in cast if role.kind is AssetKind.CHARACTER]
    deed = _deed(words, of_items=False) or "idle"
    members: list[dict[str, Any]] = []
    for number, role in enumerate(cast):
        alone, first = len(cast) == 1, bool(figures) and role is figures[0]
        x = WIDTH // 2 if alone else 100 + 110 * number // (len(cast) - 1)
        member: dict[str, Any] = {"asset": role.asset_id}
        if role.kind is not AssetKind.CHARACTER:
            if role.kind is AssetKind.ITEM and (shown := _deed(words, of_items=True)):
                member["action"] = shown
            members.append(member | {"at": [x, BEHIND]})
            continue
        own = _deed(words[(role.place_in(words) or 0) + 1 :], of_items=False)  # "..., and the orc dies"
        action = deed if first else own or {"attack": "hurt", "slay": "die"}.get(deed, "idle")
        members.append(member | _played("attack" if action == "slay" else action, x, first, alone, seconds))
    return members


def _played(action: str, x: int, first: bool, alone: bool, seconds: float) -> dict[str, Any]:
    """What a figure does about ``x``; walking and running go from left to right, up to there where others are."""
    y = FEET if first else BEHIND
    if first and action in PACE:
        length = int(min(PACE[action] * seconds, 220 if alone else 80))
        start = x - length // 2 if alone else x - length
        return {"action": action, "path": [[start, y], [start + length, y]]}
    played: dict[str, Any] = {"action": "idle" if action in PACE else action}
    if action in ("attack", "cast", "hurt"):
        played["then"] = "idle"
    return played | {"direction": "right" if first else "left", "at": [x, y]}


def _deed(words: Sequence[str], of_items: bool) -> str | None:
    """The first action that the words name, of those that items show or of those that figures do."""
    named = (ACTION_OF[stem] for word in words for stem in _stems(word) if stem in ACTION_OF)
    return next((action for action in named if (action in OF_ITEMS) == of_items), None)


def _camera(number: int, member: dict[str, Any]) -> dict[str, Any]:
    """Push in, pan, pull out, in turn; at their ends a scene pixel takes a whole number of film pixels."""
    path = member.get("path") or [member["at"]]
    (begin_x, y), (end_x, _) = path[0], path[-1]
    return (
        {"from": {"zoom": 1.0}, "to": {"at": [end_x, y - 32], "zoom": 1.25}},
        {"from": {"at": [120, 102], "zoom": 1.25}, "to": {"at": [200, 102], "zoom": 1.25}},
        {"from": {"at": [begin_x, y - 32], "zoom": 1.5}, "to": {"zoom": 1.0}},
    )[number % 3]


def _stems(word: str) -> list[str]:
    """The word and what it may be a form of: chases, chased, chasing -> chase; dies -> die; tries -> try."""
    forms = [word]
    for ending, instead in (
        ("ies", "y"),
        ("es", ""),
        ("s", ""),
        ("ed", ""),
        ("d", ""),
        ("ing", ""),
        ("ing", "e"),
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 2:
            stem = word[: len(word) - len(ending)] + instead
            forms.append(stem)
            if len(stem) > 2 and stem[-1] == stem[-2]:
                forms.append(stem[:-1])  # running -> run
    return forms
