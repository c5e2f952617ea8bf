// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableRoles} from "solady/src/auth/OwnableRoles.sol";
import {ERC2981} from "solady/src/tokens/ERC2981.sol";
import {Initializable} from "solady/src/utils/Initializable.sol";
import {SignatureCheckerLib} from "solady/src/utils/SignatureCheckerLib.sol";

import {IAigcVerifier} from "./IAigcVerifier.sol";
import {PagedERC721} from "./PagedERC721.sol";

/// @notice What a collection begins with.
/// @param admin owns the contract: grants roles, sets royalty and collection metadata; not the zero address.
/// @param minter receives the minter role at once; the zero address grants it to nobody.
/// @param house the account that pages are minted to for the least gas, for ever; the zero address for none.
/// @param royaltyReceiver is paid the royalty of every token; the zero address sets no royalty.
/// @param royaltyBasisPoints the royalty in hundredths of a percent, at most 10,000.
/// @param name the collection's name.
/// @param symbol the collection's symbol.
/// @param contractURI the address of the collection's own metadata (ERC-7572).
struct CollectionTerms {
    address admin;
    address minter;
    address house;
    address royaltyReceiver;
    uint96 royaltyBasisPoints;
    string name;
    string symbol;
    string contractURI;
}

/// @title Lorespark assets
/// @notice One token per generated asset. A token holds the sha2-256 digest of its metadata document; the
/// document's IPFS address is computed from the digest, so no gateway, server or base URI can change it.
/// @dev Minting calls no receiver hook: a page then costs the same whoever receives it, and minting cannot be
/// re-entered. Send only to accounts that can move a token on. The contract works by itself, and as the
/// implementation of the factory's proxies.
contract LoresparkAssets is PagedERC721, ERC2981, OwnableRoles, Initializable {
    // ---------------------------------------------------------------- constants

    /// @notice The role that may mint, and bind recipes to tokens.
    uint256 public constant MINTER_ROLE = _ROLE_0;

    /// @notice The role whose signature proves where an asset comes from (ERC-7007).
    uint256 public constant PROVER_ROLE = _ROLE_1;

    /// @notice The role whose signature makes a voucher.
    uint256 public constant VOUCHER_ROLE = _ROLE_2;

    /// @dev In the state of minting: the first minter's address in the lowest 160 bits, so that it is checked
    /// with the counters' slot; then how many pages and tokens were minted, and whether minting is paused.
    uint256 private constant _PAGE = 1 << 160;
    uint256 private constant _TOKEN = 1 << 200;
    uint256 private constant _PAUSED = 1 << 255;
    uint256 private constant _COUNTER = type(uint40).max;

    /// @dev The alphabet of RFC 4648 section 6, in the lower case that multibase prefix `b` stands for.
    bytes32 private constant _BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

    /// @dev The fixed start of every address: the scheme, multibase `b`, and the first 30 bits of the CIDv1
    /// header 0x01 0x55 0x12 0x20 (version 1, raw codec, sha2-256, 32 bytes).
    bytes14 private constant _URI_PREFIX = "ipfs://bafkrei";

    /// @dev EIP-712: the domain and the statement that a prover signs.
    bytes32 private constant _DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant _DOMAIN_NAME = keccak256("Lorespark Assets");
    bytes32 private constant _DOMAIN_VERSION = keccak256("1");
    bytes32 private constant _PROOF_TYPE = keccak256(
        "AigcProof(uint256 tokenId,bytes32 recipeHash,bytes32 contentDigest,bytes32 modelDigest)"
    );

    /// @dev Where the parts of a proof begin: token id, model digest, prover's address, signature.
    uint256 private constant _PROOF_MODEL = 32;
    uint256 private constant _PROOF_PROVER = 64;
    uint256 private constant _PROOF_SIGNATURE = 84;

    // ---------------------------------------------------------------- storage

    uint256 private _minting;
    string private _name;
    string private _symbol;
    string private _contractURI;
    mapping(uint256 tokenId => bytes32 digest) private _updatedDigests;
    mapping(uint256 tokenId => bool) private _frozen;
    mapping(uint256 tokenId => bytes32 recipeHash) private _recipes;
    mapping(bytes32 recipeHash => uint256 tokenId) private _tokensOfRecipes;
    address private _aigcVerifier;

    // ---------------------------------------------------------------- events

    /// @notice ERC-4906: the metadata of one token changed.
    event MetadataUpdate(uint256 _tokenId);

    /// @notice ERC-4906: the metadata of a run of tokens changed.
    event BatchMetadataUpdate(uint256 _fromTokenId, uint256 _toTokenId);

    /// @notice ERC-7572: the collection's own metadata changed.
    event ContractURIUpdated();

    /// @notice The metadata of `tokenId` can never change again.
    event MetadataFrozen(uint256 indexed tokenId);

    /// @notice Minting was paused, or goes on.
    event MintingPaused(bool paused);

    /// @notice ERC-7007: the recipe `prompt` and the content `aigcData` are bound to `tokenId`.
    event AigcData(uint256 indexed tokenId, bytes indexed prompt, bytes indexed aigcData, bytes proof);

    /// @notice Proofs are from now on judged by `verifier`, or with the zero address by the provers' signatures.
    event AigcVerifierSet(address verifier);

    // ---------------------------------------------------------------- errors

    /// @notice The contract needs an administrator other than the zero address.
    error AdminIsZeroAddress();

    /// @notice A metadata digest of zero addresses nothing.
    error EmptyDigest();

    /// @notice A batch holds at least one digest.
    error EmptyBatch();

    /// @notice A page holds at most 256 tokens.
    error BatchTooLarge();

    /// @notice There is one recipient for each digest.
    error LengthsDiffer();

    /// @notice Minting is paused.
    error MintingIsPaused();

    /// @notice The metadata of `tokenId` is frozen.
    error MetadataIsFrozen(uint256 tokenId);

    /// @notice The token has its recipe already.
    error AigcDataIsBound(uint256 tokenId);

    /// @notice The recipe belongs to another token.
    error RecipeIsBound(uint256 tokenId);

    /// @notice The proof is not one for this token, recipe and content.
    error InvalidProof();

    // ---------------------------------------------------------------- constructor

    /// @param terms what this contract itself begins with. Without an administrator it is only an implementation
    /// for proxies, locked for ever.
    constructor(CollectionTerms memory terms) {
        if (terms.admin == address(0)) _disableInitializers();
        else initialise(terms);
    }

    /// @notice Begins a collection. Whoever creates a proxy calls it in the same transaction; it works once.
    /// @param terms what the collection begins with.
    function initialise(CollectionTerms memory terms) public initializer {
        if (terms.admin == address(0)) revert AdminIsZeroAddress();
        _name = terms.name;
        _symbol = terms.symbol;
        _contractURI = terms.contractURI;
        _initializeOwner(terms.admin);
        if (terms.minter != address(0)) _grantRoles(terms.minter, MINTER_ROLE);
        if (terms.house != address(0)) _setHouse(terms.house);
        if (terms.royaltyReceiver != address(0)) {
            _setDefaultRoyalty(terms.royaltyReceiver, terms.royaltyBasisPoints);
        }
    }

    // ---------------------------------------------------------------- minting

    /// @notice Mints one token to `to`, a page of its own.
    /// @param to the token's first owner; not the zero address.
    /// @param digest the sha2-256 digest of the token's metadata document; not zero.
    /// @return tokenId the new token.
    function mint(address to, bytes32 digest) external returns (uint256 tokenId) {
        if (digest == bytes32(0)) revert EmptyDigest();
        bytes32[] calldata digests;
        assembly ("memory-safe") {
            digests.offset := 36 // the second argument, read in place as a list of one
            digests.length := 1
        }
        uint256 page = _nextPage(1);
        _mintPage(page, to, digests);
        return page << 8;
    }

    /// @notice Mints a page of consecutive tokens to `to`, one for each digest.
    /// @param to the first owner of every token; not the zero address.
    /// @param digests the sha2-256 digests of 1 to 256 metadata documents, in the order of the ids. They are not
    /// looked at: a wrong one addresses nothing, zero or not.
    /// @return firstId the first id of the page.
    function mintBatch(address to, bytes32[] calldata digests) external returns (uint256 firstId) {
        uint256 page = _nextPage(digests.length);
        _mintPage(page, to, digests);
        return page << 8;
    }

    /// @notice Mints a page of tokens to as many owners.
    /// @param to the first owner of each token, in the order of the ids; none is the zero address.
    /// @param digests the sha2-256 digests of 1 to 256 metadata documents, in the same order.
    /// @return firstId the first id of the page.
    function mintMany(address[] calldata to, bytes32[] calldata digests) external returns (uint256 firstId) {
        if (to.length != digests.length) revert LengthsDiffer();
        uint256 page = _nextPage(digests.length);
        _mintPageToMany(page, to, digests);
        return page << 8;
    }

    /// @notice Pauses minting, or lets it go on; transfers are never paused. Only the contract's owner may.
    /// @param paused whether minting is paused.
    function setMintingPaused(bool paused) external onlyOwner {
        _minting = paused ? _minting | _PAUSED : _minting & ~_PAUSED;
        emit MintingPaused(paused);
    }

    // ---------------------------------------------------------------- metadata

    /// @notice Replaces the metadata digest of a token that is not frozen. Only the contract's owner may.
    /// @param tokenId a token that exists.
    /// @param digest the sha2-256 digest of the new metadata document; not zero.
    function updateMetadata(uint256 tokenId, bytes32 digest) external onlyOwner {
        ownerOf(tokenId); // reverts for a token that does not exist
        if (_frozen[tokenId]) revert MetadataIsFrozen(tokenId);
        if (digest == bytes32(0)) revert EmptyDigest();
        _updatedDigests[tokenId] = digest;
        emit MetadataUpdate(tokenId);
    }

    /// @notice Makes the metadata of a token unchangeable for ever. The contract's owner may, and so may whoever
    /// may move the token.
    /// @param tokenId a token that exists and is not frozen yet.
    function freezeMetadata(uint256 tokenId) external {
        if (!_mayMove(msg.sender, tokenId) && msg.sender != owner()) revert Unauthorized();
        if (_frozen[tokenId]) revert MetadataIsFrozen(tokenId);
        _frozen[tokenId] = true;
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

    // ---------------------------------------------------------------- provenance

    /// @notice ERC-7007: binds a recipe and its content to a token, once for ever. Whoever may move the token
    /// may, and so may minters. A proof names its token, so that one seen in a pending transaction is of no use
    /// to anybody with another token.
    /// @param tokenId a token that exists and has no recipe yet.
    /// @param prompt the recipe as canonical JSON (RFC 8785); no other token has it.
    /// @param aigcData the sha2-256 digest of the content, 32 bytes.
    /// @param proof as `verify` takes it, for this token.
    function addAigcData(uint256 tokenId, bytes calldata prompt, bytes calldata aigcData, bytes calldata proof)
        external
    {
        if (!_mayMove(msg.sender, tokenId) && !hasAnyRole(msg.sender, MINTER_ROLE)) revert Unauthorized();
        if (_recipes[tokenId] != bytes32(0)) revert AigcDataIsBound(tokenId);
        bytes32 recipeHash = sha256(prompt);
        uint256 holder = _tokensOfRecipes[recipeHash];
        if (holder != 0) revert RecipeIsBound(holder);
        if (proof.length < 32 || uint256(bytes32(proof[:32])) != tokenId) revert InvalidProof();
        if (!_verify(recipeHash, aigcData, proof)) revert InvalidProof();
        _recipes[tokenId] = recipeHash;
        _tokensOfRecipes[recipeHash] = tokenId;
        emit AigcData(tokenId, prompt, aigcData, proof);
    }

    /// @notice Sets what judges proofs. Only the contract's owner may; what is bound stays bound.
    /// @param verifier a contract, such as one that checks zero-knowledge proofs; the zero address for the
    /// signatures of accounts with the prover role.
    function setAigcVerifier(address verifier) external onlyOwner {
        _aigcVerifier = verifier;
        emit AigcVerifierSet(verifier);
    }

    /// @notice ERC-7007: whether a proof holds. Without a verifier this proves that an account which has the
    /// prover role now signed that this model drew this content from this recipe for one token. It does not
    /// prove the drawing itself; anybody can repeat that from the recipe.
    /// @param prompt the recipe as canonical JSON (RFC 8785).
    /// @param aigcData the sha2-256 digest of the content, 32 bytes.
    /// @param proof token id (32 bytes), model digest (32), prover's address (20) and the prover's signature
    /// (EIP-712; a contract's by ERC-1271), one after the other; what follows the token id is for a verifier to
    /// define.
    /// @return success whether it holds.
    function verify(bytes calldata prompt, bytes calldata aigcData, bytes calldata proof)
        external
        view
        returns (bool success)
    {
        return _verify(sha256(prompt), aigcData, proof);
    }

    // ---------------------------------------------------------------- ownership

    /// @notice Makes an account that asked for it the contract's owner: it calls `requestOwnershipHandover`
    /// first, and this ends the handover within 48 hours. Only the contract's owner may.
    /// @param newOwner the account that asked.
    function transferOwnership(address newOwner) public payable override {
        completeOwnershipHandover(newOwner);
    }

    // ---------------------------------------------------------------- views

    /// @notice How many tokens were minted, burned ones included.
    function totalMinted() external view returns (uint256) {
        return (_minting >> 200) & _COUNTER;
    }

    /// @notice How many pages were minted; they are numbered from 1.
    function totalPages() external view returns (uint256) {
        return (_minting >> 160) & _COUNTER;
    }

    /// @notice Whether minting is paused.
    function mintingPaused() external view returns (bool) {
        return _minting & _PAUSED != 0;
    }

    /// @notice The sha2-256 digest of a token's metadata document.
    /// @param tokenId a token that exists.
    function metadataDigest(uint256 tokenId) public view returns (bytes32) {
        bytes32 updated = _updatedDigests[tokenId];
        bytes32 minted = _mintedDigest(tokenId); // reverts for a token that does not exist
        return updated == bytes32(0) ? minted : updated;
    }

    /// @notice Whether a token's metadata can no longer change.
    /// @param tokenId any id; false for a token that does not exist.
    function metadataFrozen(uint256 tokenId) external view returns (bool) {
        return _frozen[tokenId];
    }

    /// @notice The sha2-256 of the recipe that is bound to a token (ERC-7007); zero where none is.
    /// @param tokenId any id.
    function recipeOf(uint256 tokenId) external view returns (bytes32) {
        return _recipes[tokenId];
    }

    /// @notice The token that a recipe is bound to (ERC-7007); zero, which is no token, where it is free.
    /// @param recipeHash the sha2-256 of the recipe's canonical JSON.
    function tokenOfRecipe(bytes32 recipeHash) external view returns (uint256) {
        return _tokensOfRecipes[recipeHash];
    }

    /// @notice What judges proofs; zero for the provers' signatures.
    function aigcVerifier() external view returns (address) {
        return _aigcVerifier;
    }

    /// @notice The address of the collection's own metadata (ERC-7572).
    function contractURI() external view returns (string memory) {
        return _contractURI;
    }

    /// @notice The collection's name.
    function name() external view returns (string memory) {
        return _name;
    }

    /// @notice The collection's symbol.
    function symbol() external view returns (string memory) {
        return _symbol;
    }

    /// @notice The IPFS address of a token's metadata document: `ipfs://` and the canonical CIDv1 in base32.
    /// @param tokenId a token that exists.
    /// @dev The CID is 36 bytes, 288 bits. Its first 30 bits are in the prefix; the header's last two bits are
    /// zero, so what is left is 2 + 256 bits and two bits of padding: 52 characters of five bits.
    function tokenURI(uint256 tokenId) external view returns (string memory) {
        uint256 digest = uint256(metadataDigest(tokenId));
        bytes memory tail = new bytes(52);
        for (uint256 i; i < 51; ++i) {
            tail[i] = _BASE32[(digest >> (253 - 5 * i)) & 31];
        }
        tail[51] = _BASE32[(digest & 7) << 2];
        return string(abi.encodePacked(_URI_PREFIX, tail));
    }

    /// @notice ERC-165. True for ERC-165, ERC-173, ERC-721 with its metadata, ERC-2981, ERC-4906, ERC-7007 and
    /// ERC-7572.
    /// @param interfaceId the interface asked for.
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == 0x80ac58cd // ERC-721
            || interfaceId == 0x5b5e139f // ERC-721's metadata
            || interfaceId == 0x49064906 // ERC-4906
            || interfaceId == 0x702c55a6 // ERC-7007
            || interfaceId == 0xe8a3d485 // ERC-7572: contractURI()
            || interfaceId == 0x7f5828d0 // ERC-173: owner() and transferOwnership(address)
            || ERC2981.supportsInterface(interfaceId);
    }

    // ---------------------------------------------------------------- internal

    /// @dev Checks that the caller may mint this many tokens now, and counts them and their page.
    function _nextPage(uint256 tokens) private returns (uint256 page) {
        uint256 state = _minting;
        if (address(uint160(state)) != msg.sender) _checkRoles(MINTER_ROLE);
        if (state & _PAUSED != 0) revert MintingIsPaused();
        if (tokens == 0) revert EmptyBatch();
        if (tokens > MAX_PAGE_TOKENS) revert BatchTooLarge();
        unchecked {
            // Forty bits count more pages than a thousand years of blocks hold transactions.
            state += _PAGE + tokens * _TOKEN;
        }
        _minting = state;
        return (state >> 160) & _COUNTER;
    }

    /// @dev Keeps the first minter's address true to the roles. It is the first that was granted the role, or
    /// the first since its predecessor lost it.
    function _updateRoles(address user, uint256 roles, bool on) internal override {
        super._updateRoles(user, roles, on);
        if (roles & MINTER_ROLE == 0) return;
        uint256 state = _minting;
        address first = address(uint160(state));
        if (on && first == address(0)) _minting = state | uint160(user);
        else if (!on && first == user) _minting = state ^ uint160(user);
    }

    function _verify(bytes32 recipeHash, bytes calldata aigcData, bytes calldata proof) private view returns (bool) {
        if (aigcData.length != 32) return false;
        bytes32 contentDigest = bytes32(aigcData);
        address verifier = _aigcVerifier;
        if (verifier != address(0)) return IAigcVerifier(verifier).verify(recipeHash, contentDigest, proof);
        if (proof.length <= _PROOF_SIGNATURE) return false;
        address prover = address(bytes20(proof[_PROOF_PROVER:_PROOF_SIGNATURE]));
        bytes32 statement = keccak256(
            abi.encode(
                _PROOF_TYPE,
                uint256(bytes32(proof[:_PROOF_MODEL])),
                recipeHash,
                contentDigest,
                bytes32(proof[_PROOF_MODEL:_PROOF_PROVER])
            )
        );
        bytes32 domain = keccak256(
            abi.encode(_DOMAIN_TYPE, _DOMAIN_NAME, _DOMAIN_VERSION, block.chainid, address(this))
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, statement));
        return hasAnyRole(prover, PROVER_ROLE)
            && SignatureCheckerLib.isValidSignatureNowCalldata(prover, digest, proof[_PROOF_SIGNATURE:]);
    }
}
