"""A story becomes a storyboard by a language model behind an OpenAI-compatible service."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
from pydantic_core import from_json

from assets.asset import AssetKind
from engine.errors import InvalidStoryboard, WriterFailed
from engine.storyboard.role import Role
from engine.storyboard.script import MAX_POINTS, MAX_SHOTS, MAX_TEXT, STILL, Storyboard
from engine.storyboard.yaml_document import write_yaml
from generators.motion import ACTIONS
from generators.recipe import HEX_COLOUR

TIMEOUT_S = (
    120.0  # for a whole answer; a local model writes some 10 tokens a second, a storyboard has about 1000
)
MAX_ANSWER_BYTES = 1_000_000
MAX_ANSWER_TOKENS = 8_192

_TASK = f"""You turn a story into a storyboard for a film of pixel-art sprites. The scene is 320 pixels wide and
180 high; x grows to the right, y downwards. The floor line (ground) is near y 104. Places are of the feet: y
from 125 to 145, above the subtitle. A figure is about 50 pixels wide. Whoever faces another stands to the other
side: direction right on the left, left on the right. Give one shot for each sentence, 2.5 to 9 seconds long,
with the sentence as its subtitle (at most {MAX_TEXT} characters). Walking and running need a path of two or
more points, everything else a path of one. Zoom is 1 to 2; change the camera slowly. Only the given cast plays.
A background that is a tile's id is the floor, repeated; a colour is one flat floor; sky is the colour above it."""

Check = Callable[[bytes], Storyboard]


@dataclass(frozen=True)
class Service:
    """``url`` is the base of the API, as in https://host/v1; it and the key stay out of every message."""

    url: str = field(repr=False)
    model: str
    key: str | None = field(default=None, repr=False)
    timeout_s: float = TIMEOUT_S

    def answer(self, messages: Sequence[dict[str, str]], schema: dict[str, Any]) -> str:
        """What the model says, held to the JSON schema where the service can. Raises WriterFailed.

        Source: OpenAI API reference, "Create chat completion", with structured outputs.
        """
        body = {
            "model": self.model,
            "messages": list(messages),
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "storyboard", "schema": schema, "strict": True},
            },
            "temperature": 0,
            "seed": 0,
            "max_tokens": MAX_ANSWER_TOKENS,
        }
        headers = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        ends = time.monotonic() + self.timeout_s
        late = WriterFailed(f"The language model gave no answer within {self.timeout_s:g} seconds.")
        data = b""
        try:
            with (
                httpx2.Client(timeout=self.timeout_s) as client,
                client.stream(
                    "POST", f"{self.url.rstrip('/')}/chat/completions", json=body, headers=headers
                ) as response,
            ):
                if response.status_code != 200:
                    raise WriterFailed(f"The language model's service answered {response.status_code}.")
                for part in response.iter_bytes():  # httpx's own timeout is for each part
                    data += part
                    if len(data) > MAX_ANSWER_BYTES:
                        raise WriterFailed("The language model's answer is longer than 1 MB.")
                    if time.monotonic() > ends:
                        raise late
        except httpx2.TimeoutException as error:
            raise late from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:  # its text may hold the URL
            raise WriterFailed(
                f"The language model's service cannot be reached ({type(error).__name__}); check LORESPARK_LLM_URL."
            ) from error
        try:
            text = from_json(data)["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError) as error:
            raise WriterFailed(
                "The language model's service answered with something else than a chat."
            ) from error
        if not isinstance(text, str):
            raise WriterFailed("The language model refused to write the storyboard.")
        return text


def written_storyboard(story: str, roles: Sequence[Role], service: Service, check: Check) -> str:
    """The storyboard in YAML that the model writes and ``check`` accepts; asked again once, with what was wrong.

    Raises WriterFailed where the service fails, or the second answer is no storyboard either.
    """
    cast = [
        {"id": role.asset_id, "kind": role.kind.value, "is": role.title, "name": role.name} for role in roles
    ]
    messages = [
        {"role": "system", "content": _TASK},
        {"role": "user", "content": json.dumps({"story": story, "assets": cast}, ensure_ascii=False)},
    ]
    schema, reason = answer_schema(roles), ""
    for _ in range(2):
        answer = service.answer(messages, schema)
        try:
            text = write_yaml(_plan(answer))
            check(text.encode())
        except InvalidStoryboard as error:
            reason = str(error)
        else:
            return text
        messages += [
            {"role": "assistant", "content": answer[:MAX_ANSWER_BYTES]},
            {"role": "user", "content": f"That is no storyboard: {reason} Write the whole JSON again."},
        ]
    raise WriterFailed(f"The language model wrote no storyboard that can be filmed ({reason.rstrip('.')}).")


def answer_schema(roles: Sequence[Role]) -> dict[str, Any]:
    """The JSON schema of an answer: narrower than a storyboard, and every field given, as strict services want."""
    point = {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}
    view = _object({"at": point, "zoom": {"type": "number", "minimum": 1, "maximum": 2}})
    colour = {"type": "string", "pattern": f"^{HEX_COLOUR}$"}
    tiles = [role.asset_id for role in roles if role.kind is AssetKind.TILE]
    players = [role.asset_id for role in roles if role.kind not in (AssetKind.TILE, AssetKind.ILLUSTRATION)]
    member = _object(
        {
            "asset": {"enum": players},
            "action": {"enum": [STILL, *ACTIONS]},
            "direction": {"enum": ["left", "right"]},
            "path": {"type": "array", "items": point, "minItems": 1, "maxItems": MAX_POINTS},
        }
    )
    shot = _object(
        {
            "seconds": {"type": "number", "minimum": 1, "maximum": 12},
            "background": {"anyOf": [{"enum": tiles}, colour]} if tiles else colour,
            "sky": colour,
            "ground": {"type": "integer", "minimum": 90, "maximum": 140},
            "cast": {"type": "array", "items": member, "minItems": 1, "maxItems": 4},
            "camera": _object({"from": view, "to": view}),
            "subtitle": {"type": "string", "minLength": 1, "maxLength": MAX_TEXT},
        }
    )
    return _object(
        {
            "title": {"type": "string", "minLength": 1, "maxLength": MAX_TEXT},
            "shots": {"type": "array", "items": shot, "minItems": 1, "maxItems": MAX_SHOTS},
        }
    )


def _object(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def _plan(answer: str) -> dict[str, Any]:
    """The answer as a storyboard's plain values; a path of one point becomes a place."""
    try:
        # Not json.loads: it crashes the process on deep nesting where py-evm has raised the recursion limit.
        plan = from_json(answer.strip().removeprefix("```json").removesuffix("```"))
    except ValueError as error:
        raise InvalidStoryboard(f"it is not JSON ({str(error)[:200]}).") from error
    if not isinstance(plan, dict):
        raise InvalidStoryboard("it must be one JSON object with title and shots.")
    shots = plan.get("shots")
    for shot in shots if isinstance(shots, list) else []:
        cast = shot.get("cast") if isinstance(shot, dict) else None
        for member in cast if isinstance(cast, list) else []:
            if isinstance(member, dict) and isinstance(member.get("path"), list) and len(member["path"]) == 1:
                member["at"] = member.pop("path")[0]
    return plan
