"""The arena, as the API tells it."""

from engine.api.model import Told


class Standing(Told):
    """A model's rating on Elo's scale, with its standard error; what it rests on are its duels."""

    model: str
    points: float
    error: float
    duels: int
    won: int
    lost: int
    even: int


class Ranking(Told):
    """The strongest first."""

    data: tuple[Standing, ...]
