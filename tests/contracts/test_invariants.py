"""What stays true of a collection under any sequence of calls."""

import hashlib
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from chain.address import ZERO_ADDRESS
from chain.asset_contract import AssetContract
from chain.collection import CollectionTerms
from chain.errors import TransactionReverted, UnknownToken
from chain.transactions import next_nonce

PEOPLE = 4  # the first is the house
MOST_TOKENS = 16  # so that reading everything after each step stays quick

# (sequences, steps of each); the embedded chain takes longer for a step.
EXTENT = {"anvil": (15, 25), "embedded": (4, 12)}

People = st.integers(0, PEOPLE - 1)


def digest_of(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def machine_of(node: Any, factory: Any) -> type[RuleBasedStateMachine]:
    """A machine whose steps run on this chain."""

    class Collections(RuleBasedStateMachine):
        """A model of owners, digests, approvals and frozen tokens beside the contract itself."""

        @initialize()
        def begin(self) -> None:
            self.admin, self.minter = node.account(), node.account()
            self.people = [node.account() for _ in range(PEOPLE)]
            terms = CollectionTerms(
                self.admin.address,
                "L",
                "L",
                "",
                minter=self.minter.address,
                house=self.people[0].address,
            )
            call = factory.creation(terms, bytes(32), sender=self.admin.address, nonce=0)
            self.contract = AssetContract(node.web3, factory.created(node.send(self.admin, call)))
            self.first_block = node.web3.eth.block_number
            self.owners: dict[int, int] = {}
            self.digests: dict[int, bytes] = {}
            self.approved: dict[int, int] = {}
            self.operators: set[tuple[int, int]] = set()
            self.frozen: dict[int, bytes] = {}
            self.burned: set[int] = set()
            self.pages = self.minted = 0
            self.paused = False

        # ------------------------------------------------------------ the contract

        def attempt(self, signer: Any, function: str, *arguments: Any, expect: bool) -> None:
            """Calls, and checks that the call is taken exactly where the model says so."""
            nonce = next_nonce(node.web3, signer.address)
            try:
                call = self.contract.transaction(function, *arguments, sender=signer.address, nonce=nonce)
            except TransactionReverted:
                assert not expect, f"{function}{arguments} was refused"
                return
            assert expect, f"{function}{arguments} was not refused"
            node.send(signer, call)

        def may_move(self, person: int, token: int) -> bool:
            owner = self.owners[token]
            return person == owner or self.approved.get(token) == person or (owner, person) in self.operators

        def some_token(self, data: st.DataObject) -> int:
            return data.draw(st.sampled_from(sorted(self.owners)), label="token")

        # ------------------------------------------------------------ minting

        @precondition(lambda self: len(self.owners) < MOST_TOKENS)
        @rule(data=st.data(), way=st.sampled_from(["mint", "mintBatch", "mintMany"]))
        def mint(self, data: st.DataObject, way: str) -> None:
            count = 1 if way == "mint" else data.draw(st.integers(1, 4), label="count")
            to = data.draw(st.lists(People, min_size=count, max_size=count), label="to")
            to = to if way == "mintMany" else to[:1] * count
            page = self.pages + 1
            digests = [digest_of(f"{page}/{index}") for index in range(count)]
            addresses = [self.people[person].address for person in to]
            arguments = {
                "mint": (addresses[0], digests[0]),
                "mintBatch": (addresses[0], digests),
                "mintMany": (addresses, digests),
            }[way]
            self.attempt(self.minter, way, *arguments, expect=not self.paused)
            if self.paused:
                return
            self.pages, self.minted = page, self.minted + count
            for index, person in enumerate(to):
                self.owners[(page << 8) + index] = person
                self.digests[(page << 8) + index] = digests[index]

        @rule(person=People)
        def a_player_mints(self, person: int) -> None:
            signer = self.people[person]
            self.attempt(signer, "mint", signer.address, digest_of("forged"), expect=False)

        # ------------------------------------------------------------ moving

        @precondition(lambda self: self.owners)
        @rule(data=st.data(), by=People, sender=People, receiver=People, honest=st.booleans())
        def transfer(self, data: st.DataObject, by: int, sender: int, receiver: int, honest: bool) -> None:
            token = self.some_token(data)
            if honest:
                sender = self.owners[token]
                by = sender if data.draw(st.booleans(), label="owner himself") else by
            taken = sender == self.owners[token] and self.may_move(by, token)
            addresses = (self.people[sender].address, self.people[receiver].address)
            self.attempt(self.people[by], "transferFrom", *addresses, token, expect=taken)
            if taken:
                self.owners[token] = receiver
                self.approved.pop(token, None)

        @precondition(lambda self: self.owners)
        @rule(data=st.data(), by=People)
        def burn(self, data: st.DataObject, by: int) -> None:
            token = self.some_token(data)
            taken = self.may_move(by, token)
            self.attempt(self.people[by], "burn", token, expect=taken)
            if taken:
                del self.owners[token], self.digests[token]
                self.approved.pop(token, None)
                self.frozen.pop(token, None)
                self.burned.add(token)

        @precondition(lambda self: self.owners)
        @rule(data=st.data(), by=st.none() | People, to=People | st.none(), moves=st.booleans())
        def approve(self, data: st.DataObject, by: int | None, to: int | None, moves: bool) -> None:
            """By the owner himself where `by` is None, and where it moves, the approved account takes the token."""
            token = self.some_token(data)
            owner = self.owners[token]
            by = owner if by is None else by
            taken = by == owner or (owner, by) in self.operators
            address = ZERO_ADDRESS if to is None else self.people[to].address
            self.attempt(self.people[by], "approve", address, token, expect=taken)
            if taken and to is not None:
                self.approved[token] = to
            elif taken:
                self.approved.pop(token, None)
            if taken and to is not None and moves:
                addresses = (self.people[owner].address, self.people[to].address)
                self.attempt(self.people[to], "transferFrom", *addresses, token, expect=True)
                self.owners[token] = to
                del self.approved[token]

        @rule(owner=People, operator=People, allowed=st.booleans())
        def operate(self, owner: int, operator: int, allowed: bool) -> None:
            arguments = (self.people[operator].address, allowed)
            self.attempt(self.people[owner], "setApprovalForAll", *arguments, expect=True)
            (self.operators.add if allowed else self.operators.discard)((owner, operator))

        # ------------------------------------------------------------ metadata

        @precondition(lambda self: self.owners)
        @rule(data=st.data(), text=st.text(max_size=3))
        def update(self, data: st.DataObject, text: str) -> None:
            token = self.some_token(data)
            taken = token not in self.frozen
            self.attempt(self.admin, "updateMetadata", token, digest_of(text), expect=taken)
            if taken:
                self.digests[token] = digest_of(text)

        @precondition(lambda self: self.owners)
        @rule(data=st.data(), by=st.none() | People)
        def freeze(self, data: st.DataObject, by: int | None) -> None:
            token = self.some_token(data)
            signer = self.admin if by is None else self.people[by]
            taken = token not in self.frozen and (by is None or self.may_move(by, token))
            self.attempt(signer, "freezeMetadata", token, expect=taken)
            if taken:
                self.frozen[token] = self.digests[token]

        # ------------------------------------------------------------ administration

        @rule(data=st.data(), what=st.sampled_from(["pause", "royalty", "uri", "roles", "verifier", "owner"]))
        def administrate(self, data: st.DataObject, what: str) -> None:
            """Everything the administrator can do; the model of who owns what does not change with it."""
            person = self.people[data.draw(People, label="person")]
            if what == "pause":
                self.paused = not self.paused
                self.attempt(self.admin, "setMintingPaused", self.paused, expect=True)
            elif what == "royalty":
                self.attempt(self.admin, "setDefaultRoyalty", person.address, 10_000, expect=True)
            elif what == "uri":
                self.attempt(self.admin, "setContractURI", "ipfs://elsewhere", expect=True)
            elif what == "verifier":
                self.attempt(self.admin, "setAigcVerifier", person.address, expect=True)
            elif what == "roles":
                self.attempt(self.admin, "grantRoles", person.address, 2**256 - 1, expect=True)
                self.attempt(self.admin, "revokeRoles", person.address, 2**256 - 1, expect=True)
            else:
                successor = node.account()
                self.attempt(self.admin, "transferOwnership", successor.address, expect=False)
                self.attempt(successor, "requestOwnershipHandover", expect=True)
                self.attempt(self.admin, "transferOwnership", successor.address, expect=True)
                self.admin = successor

        @precondition(lambda self: self.owners)
        @rule(data=st.data(), function=st.sampled_from(["transferFrom", "burn", "approve"]))
        def an_official_reaches_for_a_token(self, data: st.DataObject, function: str) -> None:
            token = self.some_token(data)
            official = data.draw(st.sampled_from([self.admin, self.minter]), label="official")
            owner = self.people[self.owners[token]].address
            arguments = {
                "transferFrom": (owner, official.address, token),
                "burn": (token,),
                "approve": (official.address, token),
            }[function]
            self.attempt(official, function, *arguments, expect=False)

        # ------------------------------------------------------------ what stays true

        @invariant()
        def every_live_token_has_the_owner_and_the_digest_it_should_have(self) -> None:
            for token, person in self.owners.items():
                assert self.contract.owner_of(token) == self.people[person].address
                assert self.contract.metadata_digest(token) == self.digests[token]

        @invariant()
        def approvals_are_those_that_were_given_to_the_present_owners_tokens(self) -> None:
            for token in self.owners:
                person = self.approved.get(token)
                address = ZERO_ADDRESS if person is None else self.people[person].address
                assert self.contract.view("getApproved", token) == address

        @invariant()
        def balances_add_up_to_the_live_tokens(self) -> None:
            balances = [self.contract.view("balanceOf", who.address) for who in self.people]
            assert balances == [list(self.owners.values()).count(person) for person in range(PEOPLE)]
            assert sum(balances) == len(self.owners) == self.minted - len(self.burned)
            assert self.contract.total_minted() == self.minted

        @invariant()
        def a_frozen_digest_never_changes(self) -> None:
            for token, digest in self.frozen.items():
                assert self.contract.metadata_frozen(token)
                assert self.contract.metadata_digest(token) == digest

        @invariant()
        def what_was_burned_or_never_minted_is_nobodys(self) -> None:
            beyond = ((self.pages + 1) << 8, self.pages << 8 | 255)
            for token in (*sorted(self.burned)[-2:], *beyond):
                try:
                    self.contract.owner_of(token)
                except UnknownToken:
                    continue
                raise AssertionError(f"token {token} has an owner")

        def teardown(self) -> None:
            """The events alone tell who owns what."""
            told: dict[int, str] = {}
            for move in self.contract.transfers(self.first_block, node.web3.eth.block_number):
                assert told.get(move.token_id, ZERO_ADDRESS) == move.sender
                told[move.token_id] = move.receiver
            live = {token: owner for token, owner in told.items() if owner != ZERO_ADDRESS}
            assert live == {token: self.people[person].address for token, person in self.owners.items()}

    return Collections


def test_nothing_breaks_a_collection(node: Any, factory: Any) -> None:
    sequences, steps = EXTENT[node.name]
    run_machine(
        machine_of(node, factory),
        settings=settings(
            max_examples=sequences,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
