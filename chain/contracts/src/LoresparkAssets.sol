// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableRoles} from "solady/src/auth/OwnableRoles.sol";
import {ERC2981} from "solady/src/tokens/ERC2981.sol";
import {ERC721} from "solady/src/tokens/ERC721.sol";

/// @title Lorespark assets
/// @notice One token per generated asset. A token holds the sha2-256 digest of its metadata document; the
/// document's IPFS address is computed from the digest, so no gateway, server or base URI can change it.
/// @dev Minting calls no receiver hook (it is `_mint`, not `_safeMint`): a batch then costs the same whoever
/// receives it, and minting cannot be re-entered. Send only to accounts that can move a token on.
contract LoresparkAssets is ERC721, ERC2981, OwnableRoles {
    // ---------------------------------------------------------------- constants

    /// @notice The role that may mint.
    uint256 public constant MINTER_ROLE = _ROLE_0;

    /// @dev The alphabet of RFC 4648 section 6, in the lower case that multibase prefix `b` stands for.
    bytes32 private constant _BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

    /// @dev The fixed start of every address: the scheme, multibase `b`, and the first 30 bits of the CIDv1
    /// header 0x01 0x55 0x12 0x20 (version 1, raw codec, sha2-256, 32 bytes).
    bytes14 private constant _URI_PREFIX = "ipfs://bafkrei";

    /// @dev The value of a token's extra data once its metadata is frozen.
    uint96 private constant _FROZEN = 1;

    // ---------------------------------------------------------------- storage

    string private _name;
    string private _symbol;
    string private _contractURI;
    uint256 private _totalMinted;
    mapping(uint256 tokenId => bytes32 digest) private _digests;

    // ---------------------------------------------------------------- events

    /// @notice ERC-4906: the metadata of one token changed.
    event MetadataUpdate(uint256 _tokenId);

    /// @notice ERC-4906: the metadata of a run of tokens changed.
    event BatchMetadataUpdate(uint256 _fromTokenId, uint256 _toTokenId);

    /// @notice ERC-7572: the collection's own metadata changed.
    event ContractURIUpdated();

    /// @notice The metadata of `tokenId` can never change again.
    event MetadataFrozen(uint256 indexed tokenId);

    // ---------------------------------------------------------------- errors

    /// @notice The contract needs an administrator other than the zero address.
    error AdminIsZeroAddress();

    /// @notice A metadata digest of zero addresses nothing.
    error EmptyDigest();

    /// @notice A batch holds at least one digest.
    error EmptyBatch();

    /// @notice The metadata of `tokenId` is frozen.
    error MetadataIsFrozen(uint256 tokenId);

    // ---------------------------------------------------------------- constructor

    /// @param admin owns the contract: grants roles, sets royalty and collection metadata.
    /// @param minter receives the minter role at once; the zero address grants it to nobody.
    /// @param name_ the collection's name.
    /// @param symbol_ the collection's symbol.
    /// @param contractURI_ the address of the collection's own metadata (ERC-7572).
    /// @param royaltyReceiver is paid the royalty of every token; the zero address sets no royalty.
    /// @param royaltyBasisPoints the royalty in hundredths of a percent, at most 10,000.
    constructor(
        address admin,
        address minter,
        string memory name_,
        string memory symbol_,
        string memory contractURI_,
        address royaltyReceiver,
        uint96 royaltyBasisPoints
    ) {
        if (admin == address(0)) revert AdminIsZeroAddress();
        _name = name_;
        _symbol = symbol_;
        _contractURI = contractURI_;
        _initializeOwner(admin);
        if (minter != address(0)) _grantRoles(minter, MINTER_ROLE);
        if (royaltyReceiver != address(0)) _setDefaultRoyalty(royaltyReceiver, royaltyBasisPoints);
    }

    // ---------------------------------------------------------------- minting

    /// @notice Mints the next token to `to`.
    /// @param to the token's first owner; not the zero address.
    /// @param digest the sha2-256 digest of the token's metadata document; not zero.
    /// @return tokenId the new token; ids count from 1.
    function mint(address to, bytes32 digest) external onlyRoles(MINTER_ROLE) returns (uint256 tokenId) {
        tokenId = _totalMinted + 1;
        _totalMinted = tokenId;
        _mintWithDigest(to, tokenId, digest);
    }

    /// @notice Mints a run of consecutive tokens to `to`, one for each digest.
    /// @param to the first owner of every token; not the zero address.
    /// @param digests the sha2-256 digests of the metadata documents, in the order of the ids; none is zero.
    /// @return firstId the first id of the run.
    function mintBatch(address to, bytes32[] calldata digests)
        external
        onlyRoles(MINTER_ROLE)
        returns (uint256 firstId)
    {
        uint256 count = digests.length;
        if (count == 0) revert EmptyBatch();
        firstId = _totalMinted + 1;
        _totalMinted = firstId + count - 1;
        for (uint256 i; i < count; ++i) {
            _mintWithDigest(to, firstId + i, digests[i]);
        }
    }

    // ---------------------------------------------------------------- metadata

    /// @notice Replaces the metadata digest of a token that is not frozen. Only the contract's owner may.
    /// @param tokenId a token that exists.
    /// @param digest the sha2-256 digest of the new metadata document; not zero.
    function updateMetadata(uint256 tokenId, bytes32 digest) external onlyOwner {
        ownerOf(tokenId); // reverts for a token that does not exist
        if (metadataFrozen(tokenId)) revert MetadataIsFrozen(tokenId);
        if (digest == bytes32(0)) revert EmptyDigest();
        _digests[tokenId] = digest;
        emit MetadataUpdate(tokenId);
    }

    /// @notice Makes the metadata of a token unchangeable for ever. The contract's owner may, and so may whoever
    /// may move the token.
    /// @param tokenId a token that exists and is not frozen yet.
    function freezeMetadata(uint256 tokenId) external {
        ownerOf(tokenId); // reverts for a token that does not exist
        if (msg.sender != owner() && !_isApprovedOrOwner(msg.sender, tokenId)) revert Unauthorized();
        if (metadataFrozen(tokenId)) revert MetadataIsFrozen(tokenId);
        _setExtraData(tokenId, _FROZEN);
        emit MetadataFrozen(tokenId);
    }

    /// @notice Sets the address of the collection's own metadata (ERC-7572). Only the contract's owner may.
    /// @param newContractURI the new address.
    function setContractURI(string calldata newContractURI) external onlyOwner {
        _contractURI = newContractURI;
        emit ContractURIUpdated();
    }

    // ---------------------------------------------------------------- royalty

    /// @notice Sets the royalty of every token (ERC-2981). Only the contract's owner may.
    /// @param receiver is paid the royalty; not the zero address.
    /// @param basisPoints the royalty in hundredths of a percent, at most 10,000.
    function setDefaultRoyalty(address receiver, uint96 basisPoints) external onlyOwner {
        _setDefaultRoyalty(receiver, basisPoints);
    }

    /// @notice Ends the royalty. Only the contract's owner may.
    function deleteDefaultRoyalty() external onlyOwner {
        _deleteDefaultRoyalty();
    }

    // ---------------------------------------------------------------- views

    /// @notice How many tokens were minted: the ids run from 1 to this number.
    function totalMinted() external view returns (uint256) {
        return _totalMinted;
    }

    /// @notice The sha2-256 digest of a token's metadata document.
    /// @param tokenId a token that exists.
    function metadataDigest(uint256 tokenId) public view returns (bytes32) {
        ownerOf(tokenId); // reverts for a token that does not exist
        return _digests[tokenId];
    }

    /// @notice Whether a token's metadata can no longer change.
    /// @param tokenId any id; false for a token that does not exist.
    function metadataFrozen(uint256 tokenId) public view returns (bool) {
        return _getExtraData(tokenId) == _FROZEN;
    }

    /// @notice The address of the collection's own metadata (ERC-7572).
    function contractURI() external view returns (string memory) {
        return _contractURI;
    }

    /// @notice The collection's name.
    function name() public view override returns (string memory) {
        return _name;
    }

    /// @notice The collection's symbol.
    function symbol() public view override returns (string memory) {
        return _symbol;
    }

    /// @notice The IPFS address of a token's metadata document: `ipfs://` and the canonical CIDv1 in base32.
    /// @param tokenId a token that exists.
    /// @dev The CID is 36 bytes, 288 bits. Its first 30 bits are in the prefix; the header's last two bits are
    /// zero, so what is left is 2 + 256 bits and two bits of padding: 52 characters of five bits.
    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        uint256 digest = uint256(metadataDigest(tokenId));
        bytes memory tail = new bytes(52);
        for (uint256 i; i < 51; ++i) {
            tail[i] = _BASE32[(digest >> (253 - 5 * i)) & 31];
        }
        tail[51] = _BASE32[(digest & 7) << 2];
        return string(abi.encodePacked(_URI_PREFIX, tail));
    }

    /// @notice ERC-165. True for ERC-165, ERC-173, ERC-721 with its metadata, ERC-2981, ERC-4906 and ERC-7572.
    /// @param interfaceId the interface asked for.
    function supportsInterface(bytes4 interfaceId) public view override(ERC721, ERC2981) returns (bool) {
        return interfaceId == 0x49064906 // ERC-4906
            || interfaceId == 0xe8a3d485 // ERC-7572: contractURI()
            || interfaceId == 0x7f5828d0 // ERC-173: owner() and transferOwnership(address)
            || ERC721.supportsInterface(interfaceId) || ERC2981.supportsInterface(interfaceId);
    }

    // ---------------------------------------------------------------- internal

    /// @dev Mints `tokenId` and stores its digest.
    function _mintWithDigest(address to, uint256 tokenId, bytes32 digest) private {
        if (digest == bytes32(0)) revert EmptyDigest();
        _mint(to, tokenId);
        _digests[tokenId] = digest;
    }
}
