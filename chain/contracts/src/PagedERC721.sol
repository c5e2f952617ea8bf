// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LibRLP} from "solady/src/utils/LibRLP.sol";

/// @title ERC-721 tokens minted by the page
/// @notice Up to 256 tokens are minted at once. Their digests and their first owner are the code of one data
/// contract, the page; a token gets storage of its own only when it is moved, approved or changed.
/// @dev Token `id` is number `id & 255` of page `id >> 8`. Pages are the only contracts that this one creates, so
/// page p is the contract that nonce p creates (EIP-161: the first nonce is 1, and so is the first page); its
/// address is computed, never stored. Chains that give CREATE other addresses are not supported: there every
/// mint reverts.
///
/// A page's code is one STOP, so that nobody can run it; then the first owner's 20 bytes, unless that is the
/// house; then 32 bytes for each token. The code's size modulo 32 tells the two apart: 1 with the house, else 21.
///
/// The house is one account, chosen at the beginning for ever, that most pages go to. Nothing here ever changes
/// whose token is whose but a transfer or a burn by somebody the token's owner allows.
abstract contract PagedERC721 {
    // ---------------------------------------------------------------- constants

    /// @notice The most tokens of one page.
    uint256 public constant MAX_PAGE_TOKENS = 256;

    /// @dev In a token's state: `_approvals` holds an account for it. Only read where this says so.
    uint256 private constant _APPROVED = 1 << 160;

    /// @dev In a token's state: it was burned, and exists no more.
    uint256 private constant _BURNED = 1 << 161;

    /// @dev A token's state holds its owner in these bits; zero while it still belongs to its first one.
    uint256 private constant _OWNER = type(uint160).max;

    /// @dev In an account's state: it is the house. The balance is in the bits below.
    uint256 private constant _HOUSE = 1 << 255;

    /// @dev The sizes of what stands before the digests in a page's code.
    uint256 private constant _HOUSE_HEADER = 1;
    uint256 private constant _OWNER_HEADER = 21;

    /// @dev The topic of `Transfer`.
    bytes32 private constant _TRANSFER = 0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef;

    // ---------------------------------------------------------------- storage

    address private _house;
    mapping(uint256 tokenId => uint256 state) private _tokens;
    mapping(address account => uint256 state) private _accounts;
    mapping(uint256 tokenId => address account) private _approvals;
    mapping(address owner => mapping(address operator => bool)) private _operators;

    // ---------------------------------------------------------------- events

    /// @notice ERC-721: `tokenId` moved; `from` is zero for a mint, `to` for a burn.
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);

    /// @notice ERC-721: `account` may move `tokenId` once.
    event Approval(address indexed owner, address indexed account, uint256 indexed tokenId);

    /// @notice ERC-721: `operator` may move every token of `owner`, or no longer may.
    event ApprovalForAll(address indexed owner, address indexed operator, bool approved);

    // ---------------------------------------------------------------- errors

    /// @notice There is no such token, or it was burned.
    error TokenDoesNotExist();

    /// @notice The token belongs to somebody else than `from`.
    error TransferFromIncorrectOwner();

    /// @notice Nothing can be minted or sent to the zero address.
    error TransferToZeroAddress();

    /// @notice Only the token's owner, its operators and the account approved for it may do this.
    error NotOwnerNorApproved();

    /// @notice The receiving contract does not say that it can hold tokens (`onERC721Received`).
    error TransferToNonERC721ReceiverImplementer();

    /// @notice The zero address owns nothing.
    error BalanceQueryForZeroAddress();

    /// @notice The page did not come to the address that its number gives it.
    error PageNotCreated();

    // ---------------------------------------------------------------- transfers

    /// @notice Moves a token. Its owner, an operator of the owner and the approved account may.
    /// @param from the token's owner.
    /// @param to the new owner; not the zero address, and able to move the token on.
    /// @param tokenId a token that exists.
    function transferFrom(address from, address to, uint256 tokenId) public {
        if (to == address(0)) revert TransferToZeroAddress();
        uint256 state = _tokens[tokenId];
        uint256 giver = _accounts[from];
        if (state & _OWNER == 0) _checkFirstOwner(from, tokenId, state, giver);
        else if (address(uint160(state)) != from) revert TransferFromIncorrectOwner();
        if (!_isAllowed(msg.sender, from, tokenId, state)) revert NotOwnerNorApproved();
        unchecked {
            _accounts[from] = giver - 1;
            ++_accounts[to];
        }
        _tokens[tokenId] = (state & ~(_OWNER | _APPROVED)) | uint160(to);
        emit Transfer(from, to, tokenId);
    }

    /// @notice As `safeTransferFrom` with empty data.
    /// @param from the token's owner.
    /// @param to the new owner; a contract has to answer `onERC721Received`.
    /// @param tokenId a token that exists.
    function safeTransferFrom(address from, address to, uint256 tokenId) external {
        safeTransferFrom(from, to, tokenId, "");
    }

    /// @notice Moves a token as `transferFrom` does, and then asks a receiving contract whether it can hold it.
    /// @param from the token's owner.
    /// @param to the new owner; a contract has to answer `onERC721Received`.
    /// @param tokenId a token that exists.
    /// @param data handed on to the receiving contract.
    function safeTransferFrom(address from, address to, uint256 tokenId, bytes memory data) public {
        transferFrom(from, to, tokenId);
        if (to.code.length == 0) return;
        if (IERC721Receiver(to).onERC721Received(msg.sender, from, tokenId, data)
                != IERC721Receiver.onERC721Received.selector) {
            revert TransferToNonERC721ReceiverImplementer();
        }
    }

    /// @notice Ends a token. Its owner, an operator of the owner and the approved account may.
    /// @param tokenId a token that exists.
    function burn(uint256 tokenId) external {
        address from = ownerOf(tokenId);
        uint256 state = _tokens[tokenId];
        if (!_isAllowed(msg.sender, from, tokenId, state)) revert NotOwnerNorApproved();
        unchecked {
            --_accounts[from];
        }
        _tokens[tokenId] = (state & ~(_OWNER | _APPROVED)) | _BURNED;
        emit Transfer(from, address(0), tokenId);
    }

    // ---------------------------------------------------------------- approvals

    /// @notice Lets one account move a token once. The owner and the owner's operators may.
    /// @param account who may move it; the zero address takes an approval back.
    /// @param tokenId a token that exists.
    function approve(address account, uint256 tokenId) external {
        address owner = ownerOf(tokenId);
        if (msg.sender != owner && !_operators[owner][msg.sender]) revert NotOwnerNorApproved();
        _approvals[tokenId] = account;
        // The owner is written beside the flag: the transfer that follows then needs no page.
        _tokens[tokenId] = (_tokens[tokenId] & ~_OWNER) | uint160(owner) | _APPROVED;
        emit Approval(owner, account, tokenId);
    }

    /// @notice Lets an operator move every token of the caller, or ends that.
    /// @param operator the account.
    /// @param approved whether it may.
    function setApprovalForAll(address operator, bool approved) external {
        _operators[msg.sender][operator] = approved;
        emit ApprovalForAll(msg.sender, operator, approved);
    }

    // ---------------------------------------------------------------- views

    /// @notice A token's owner.
    /// @param tokenId a token that exists.
    function ownerOf(uint256 tokenId) public view returns (address owner) {
        uint256 state = _tokens[tokenId];
        owner = address(uint160(state));
        if (owner != address(0)) return owner;
        (address page, uint256 header) = _page(tokenId, state);
        return header == _HOUSE_HEADER ? _house : _writtenOwner(page);
    }

    /// @notice How many tokens an account owns.
    /// @param account any but the zero address.
    function balanceOf(address account) external view returns (uint256) {
        if (account == address(0)) revert BalanceQueryForZeroAddress();
        return _accounts[account] & ~_HOUSE;
    }

    /// @notice The account that may move a token once; zero where there is none.
    /// @param tokenId a token that exists.
    function getApproved(uint256 tokenId) external view returns (address) {
        ownerOf(tokenId); // reverts for a token that does not exist
        return _tokens[tokenId] & _APPROVED == 0 ? address(0) : _approvals[tokenId];
    }

    /// @notice Whether an operator may move every token of an owner.
    /// @param owner any account.
    /// @param operator any account.
    function isApprovedForAll(address owner, address operator) external view returns (bool) {
        return _operators[owner][operator];
    }

    /// @notice The account that pages are minted to for the least gas; it never changes. Zero where there is none.
    function house() external view returns (address) {
        return _house;
    }

    /// @notice The data contract that holds a page.
    /// @param number the page's number, counted from 1; a page that was not minted has no code.
    function pageAddress(uint256 number) public view returns (address) {
        return LibRLP.computeAddress(address(this), number);
    }

    // ---------------------------------------------------------------- internal

    /// @dev Chooses the house. To be called once, before anything is minted.
    function _setHouse(address account) internal {
        _house = account;
        _accounts[account] = _HOUSE;
    }

    /// @dev Mints page `page` to one owner. The caller makes sure that there are 1 to 256 digests and that
    /// the numbers are consecutive.
    function _mintPage(uint256 page, address to, bytes32[] calldata digests) internal {
        if (to == address(0)) revert TransferToZeroAddress();
        uint256 taker = _accounts[to];
        unchecked {
            _accounts[to] = taker + digests.length;
        }
        _createPage(page, taker & _HOUSE == 0 ? _OWNER_HEADER : _HOUSE_HEADER, to, digests);
        // Eight events a turn, because the turn itself would cost as much again as what is not an event's price.
        assembly ("memory-safe") {
            let id := shl(8, page)
            let end := add(id, digests.length)
            for { let odd := add(id, and(digests.length, 7)) } lt(id, odd) { id := add(id, 1) } {
                log4(0, 0, _TRANSFER, 0, to, id)
            }
            for {} lt(id, end) { id := add(id, 8) } {
                log4(0, 0, _TRANSFER, 0, to, id)
                log4(0, 0, _TRANSFER, 0, to, add(id, 1))
                log4(0, 0, _TRANSFER, 0, to, add(id, 2))
                log4(0, 0, _TRANSFER, 0, to, add(id, 3))
                log4(0, 0, _TRANSFER, 0, to, add(id, 4))
                log4(0, 0, _TRANSFER, 0, to, add(id, 5))
                log4(0, 0, _TRANSFER, 0, to, add(id, 6))
                log4(0, 0, _TRANSFER, 0, to, add(id, 7))
            }
        }
    }

    /// @dev Mints page `page` to an owner for each digest, who is written into the token's own storage.
    function _mintPageToMany(uint256 page, address[] calldata to, bytes32[] calldata digests) internal {
        // The short header names the house, which is asked about none of these tokens: each has its owner.
        _createPage(page, _HOUSE_HEADER, address(0), digests);
        for (uint256 i; i < to.length; ++i) {
            address owner = to[i];
            uint256 tokenId = (page << 8) | i;
            if (owner == address(0)) revert TransferToZeroAddress();
            _tokens[tokenId] = uint160(owner);
            unchecked {
                ++_accounts[owner];
            }
            emit Transfer(address(0), owner, tokenId);
        }
    }

    /// @dev The digest a token was minted with.
    function _mintedDigest(uint256 tokenId) internal view returns (bytes32 digest) {
        (address page, uint256 header) = _page(tokenId, _tokens[tokenId]);
        assembly ("memory-safe") {
            extcodecopy(page, 0, add(header, shl(5, and(tokenId, 255))), 32)
            digest := mload(0)
        }
    }

    /// @dev Whether an account may move a token. Reverts for a token that does not exist.
    function _mayMove(address account, uint256 tokenId) internal view returns (bool) {
        return _isAllowed(account, ownerOf(tokenId), tokenId, _tokens[tokenId]);
    }

    function _isAllowed(address account, address owner, uint256 tokenId, uint256 state) private view returns (bool) {
        return account == owner || (state & _APPROVED != 0 && _approvals[tokenId] == account)
            || _operators[owner][account];
    }

    /// @dev Reverts unless a token that never moved belongs to `from`, whose account's state is given: the
    /// house is told by its flag there, which saves reading its address.
    function _checkFirstOwner(address from, uint256 tokenId, uint256 state, uint256 giver) private view {
        (address page, uint256 header) = _page(tokenId, state);
        bool owns = header == _HOUSE_HEADER ? giver & _HOUSE != 0 : _writtenOwner(page) == from;
        if (!owns) revert TransferFromIncorrectOwner();
    }

    /// @dev The page of a token and the size of its header. Reverts for a token that does not exist.
    function _page(uint256 tokenId, uint256 state) private view returns (address page, uint256 header) {
        // No nonce has more than 64 bits (EIP-2681).
        if (state & _BURNED != 0 || tokenId >> 72 != 0) revert TokenDoesNotExist();
        page = pageAddress(tokenId >> 8);
        uint256 size = page.code.length;
        header = size & 31;
        if (header + ((tokenId & 255) << 5) >= size) revert TokenDoesNotExist();
    }

    function _writtenOwner(address page) private view returns (address owner) {
        assembly ("memory-safe") {
            mstore(0, 0)
            extcodecopy(page, 12, 1, 20)
            owner := mload(0)
        }
    }

    /// @dev Creates a data contract. The init code copies everything behind its own ten bytes and returns it:
    /// PUSH2 size, DUP1, PUSH1 10, RETURNDATASIZE (zero), CODECOPY, RETURNDATASIZE, RETURN.
    function _createPage(uint256 page, uint256 header, address owner, bytes32[] calldata digests) private {
        address created;
        assembly ("memory-safe") {
            let start := mload(0x40) // what is written from here on is free again afterwards
            let data := shl(5, digests.length)
            let size := add(header, data)
            mstore(start, or(shl(232, size), shl(176, 0x61000080600a3d393df3)))
            mstore(add(start, 11), shl(96, owner)) // behind a STOP; digests overwrite it where the house owns them
            calldatacopy(add(add(start, 10), header), digests.offset, data)
            created := create(0, start, add(10, size))
        }
        if (created == address(0) || created != pageAddress(page)) revert PageNotCreated();
    }
}

/// @notice ERC-721: a contract that can hold tokens.
interface IERC721Receiver {
    /// @notice Called after a token was sent here.
    /// @param operator who sent it.
    /// @param from its owner until now.
    /// @param tokenId the token.
    /// @param data whatever the sender added.
    /// @return its own selector, or the transfer is undone.
    function onERC721Received(address operator, address from, uint256 tokenId, bytes calldata data)
        external
        returns (bytes4);
}
