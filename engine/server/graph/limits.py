"""What a query may ask for, told before any of it is answered: its size, its depth and how much it makes.

A query costs one for each field that it names, times how many things that field is asked of. Introspection is
refused: ``GET /v1/graphql`` gives the whole schema as a text.
"""

from collections.abc import Mapping
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    parse,
)

from engine.errors import InvalidRequest

MAX_TOKENS: Final = 500  # of the query's text; to validate the worst of this many takes 0.3 s
MAX_DEPTH: Final = 8
MAX_COST: Final = 5_000
MAX_FIRST: Final = 100  # of one list
DEFAULT_FIRST: Final = 20


def check_query(query: str, variables: Mapping[str, Any]) -> None:
    """Raises InvalidRequest for a query that cannot be read or asks for too much."""
    try:
        document = parse(query, max_tokens=MAX_TOKENS, no_location=True)
    except GraphQLError as error:
        raise InvalidRequest(f"The query cannot be read ({error.message}); correct it.") from error
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            measure = _Measure(document, definition, variables)
            if definition.operation is not OperationType.QUERY:
                raise InvalidRequest(
                    f"A {definition.operation.value} is nothing that is served here; send a query."
                )
            cost, depth = measure.of(definition.selection_set)
            if depth > MAX_DEPTH:
                raise InvalidRequest(
                    f"The query is {depth} levels deep and may be {MAX_DEPTH}; ask in several."
                )
            if cost > MAX_COST:
                raise InvalidRequest(
                    f"The query asks for up to {cost:,d} fields and may for {MAX_COST:,d}; ask for fewer with `first`."
                )


class _Measure:
    """Costs and depths of one operation, whose variables are its own; each fragment is measured once, however often it
    is spread."""

    def __init__(
        self, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]
    ) -> None:
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._variables = {
            variable.variable.name.value: int(variable.default_value.value)
            for variable in operation.variable_definitions or ()
            if isinstance(variable.default_value, IntValueNode)
        } | dict(variables)
        self._measured: dict[str, tuple[int, int] | None] = {}

    def of(self, selections: SelectionSetNode) -> tuple[int, int]:
        cost = depth = 0
        for selection in selections.selections:
            match selection:
                case FieldNode():
                    each_cost, each_depth = self._field(selection)
                case InlineFragmentNode():
                    each_cost, each_depth = self.of(selection.selection_set)
                case FragmentSpreadNode():
                    each_cost, each_depth = self._fragment(selection.name.value)
                case _:
                    raise AssertionError("GraphQL has three kinds of selections")
            cost, depth = cost + each_cost, max(depth, each_depth)
        return cost, depth

    def _field(self, field: FieldNode) -> tuple[int, int]:
        name = field.name.value
        if name in ("__schema", "__type"):
            raise InvalidRequest("The schema is not told by queries; GET /v1/graphql gives it as a text.")
        if field.selection_set is None:
            return 1, 1
        cost, depth = self.of(field.selection_set)
        return 1 + self._count(field) * cost, 1 + depth

    def _fragment(self, name: str) -> tuple[int, int]:
        if name not in self._measured:
            fragment = self._fragments.get(name)
            if fragment is None:
                raise InvalidRequest(f"The query has no fragment {name[:80]!r}; define it or leave it out.")
            self._measured[name] = None
            self._measured[name] = self.of(fragment.selection_set)
        found = self._measured[name]
        if found is None:
            raise InvalidRequest(f"The fragment {name[:80]!r} spreads itself; write it without.")
        return found

    def _count(self, field: FieldNode) -> int:
        """How many things the field gives at most."""
        if field.name.value not in LISTS:
            return 1
        first: Any = DEFAULT_FIRST
        for argument in field.arguments or ():
            if argument.name.value == "first":
                value = argument.value
                if isinstance(value, IntValueNode):
                    first = int(value.value)
                elif isinstance(value, VariableNode):
                    first = self._variables.get(value.name.value, DEFAULT_FIRST)
        # What is no number is refused later, and costs nothing until then.
        return min(max(first, 1), MAX_FIRST) if isinstance(first, int) else MAX_FIRST


# The fields that give several things; a test holds this against the schema.
LISTS: Final = frozenset({"tokens", "transfers", "mints", "vouchers"})
