// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "solady/src/utils/EIP712.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {SignatureCheckerLib} from "solady/src/utils/SignatureCheckerLib.sol";

/// @notice A promise that an asset can be claimed.
/// @param collection the contract it is minted in.
/// @param digest the sha2-256 digest of the token's metadata document.
/// @param recipient who gets the token; the zero address for whoever claims it.
/// @param priceWei what claiming costs, in wei.
/// @param nonce a number that its signer uses once.
/// @param deadline the last second at which it can be claimed (Unix time).
struct Voucher {
    address collection;
    bytes32 digest;
    address recipient;
    uint256 priceWei;
    uint256 nonce;
    uint256 deadline;
}

/// @title Vouchers
/// @notice Lets players claim assets that a studio promised them with a signature, whenever they like, and pays
/// the studio. One contract serves every collection that grants it the minter role. Signers are the accounts, or
/// contracts (ERC-1271), that have the collection's voucher role at the time of the claim.
/// @dev A signature holds for one contract on one chain (EIP-712), and a nonce once for each signer. Collections
/// are called and may be anybody's; all that a hostile one can spend is what was paid for itself, because a nonce
/// is used and a price booked before anything is called. A voucher for whoever claims it is worth what a bank
/// note is: who sees its signature in a pending transaction can be faster. Name a recipient where that matters.
contract LoresparkVouchers is EIP712 {
    // ---------------------------------------------------------------- constants

    bytes32 private constant _VOUCHER_TYPE = keccak256(
        "Voucher(address collection,bytes32 digest,address recipient,uint256 priceWei,uint256 nonce,uint256 deadline)"
    );

    // ---------------------------------------------------------------- storage

    mapping(address signer => mapping(uint256 word => uint256 bits)) private _used;

    mapping(address collection => uint256) private _proceedsWei;

    // ---------------------------------------------------------------- events

    /// @notice A voucher became a token.
    event Claimed(address indexed collection, address indexed signer, uint256 nonce, address recipient, uint256 tokenId);

    /// @notice `signer` took the voucher with this nonce back.
    event Cancelled(address indexed signer, uint256 nonce);

    /// @notice A collection's proceeds were paid out.
    event Withdrawn(address indexed collection, address indexed to, uint256 amountWei);

    // ---------------------------------------------------------------- errors

    /// @notice Nothing was given to claim.
    error EmptyClaim();

    /// @notice There is one signature for each voucher.
    error LengthsDiffer();

    /// @notice The vouchers of one claim are for one collection and one recipient.
    error VouchersDiffer();

    /// @notice The voucher's deadline is over.
    error VoucherExpired(uint256 nonce);

    /// @notice The voucher was claimed or cancelled.
    error VoucherUsed(uint256 nonce);

    /// @notice The signer does not have the collection's voucher role, or the signature is not the signer's.
    error InvalidSignature(uint256 nonce);

    /// @notice The vouchers cost more than was sent.
    error PaymentTooSmall(uint256 priceWei);

    /// @notice Who is to be paid or refunded does not take the money (raised by SafeTransferLib).
    error ETHTransferFailed();

    /// @notice Only the collection's owner may withdraw.
    error NotCollectionOwner();

    // ---------------------------------------------------------------- claiming

    /// @notice Claims an asset. Anybody may send it: the token goes to the voucher's recipient, what was sent
    /// above the price back to the caller.
    /// @param voucher the promise.
    /// @param signer who signed it.
    /// @param signature the signer's signature of it.
    /// @param to who gets the token if the voucher names nobody; else ignored.
    /// @return tokenId the new token.
    function claim(Voucher calldata voucher, address signer, bytes calldata signature, address to)
        external
        payable
        returns (uint256 tokenId)
    {
        _use(voucher, signer, signature);
        _book(voucher.collection, voucher.priceWei);
        address recipient = voucher.recipient == address(0) ? to : voucher.recipient;
        tokenId = ICollection(voucher.collection).mint(recipient, voucher.digest);
        emit Claimed(voucher.collection, signer, voucher.nonce, recipient, tokenId);
        _refund(voucher.priceWei);
    }

    /// @notice Claims up to 256 assets of one collection for one recipient as one page, which costs less.
    /// @param vouchers the promises; all of one signer.
    /// @param signer who signed them.
    /// @param signatures the signer's signature of each.
    /// @param to who gets the tokens of vouchers that name nobody; those that name somebody have to name this.
    /// @return firstId the first token; the others follow it in the vouchers' order.
    function claimMany(Voucher[] calldata vouchers, address signer, bytes[] calldata signatures, address to)
        external
        payable
        returns (uint256 firstId)
    {
        uint256 count = vouchers.length;
        if (count == 0) revert EmptyClaim();
        if (count != signatures.length) revert LengthsDiffer();
        address collection = vouchers[0].collection;
        bytes32[] memory digests = new bytes32[](count);
        uint256 priceWei;
        for (uint256 i; i < count; ++i) {
            Voucher calldata voucher = vouchers[i];
            address recipient = voucher.recipient;
            if (voucher.collection != collection || (recipient != address(0) && recipient != to)) {
                revert VouchersDiffer();
            }
            _use(voucher, signer, signatures[i]);
            digests[i] = voucher.digest;
            priceWei += voucher.priceWei;
        }
        _book(collection, priceWei);
        firstId = ICollection(collection).mintBatch(to, digests);
        for (uint256 i; i < count; ++i) {
            emit Claimed(collection, signer, vouchers[i].nonce, to, firstId + i);
        }
        _refund(priceWei);
    }

    // ---------------------------------------------------------------- cancelling and withdrawing

    /// @notice Takes vouchers of the caller back, issued or not; those that are used already stay so.
    /// @param nonces their nonces.
    function cancel(uint256[] calldata nonces) external {
        for (uint256 i; i < nonces.length; ++i) {
            _used[msg.sender][nonces[i] >> 8] |= 1 << (nonces[i] & 255);
            emit Cancelled(msg.sender, nonces[i]);
        }
    }

    /// @notice Pays a collection's proceeds out. Only the collection's owner may.
    /// @param collection the collection.
    /// @param to who is paid.
    /// @return amountWei what was paid, in wei.
    function withdraw(address collection, address to) external returns (uint256 amountWei) {
        if (ICollection(collection).owner() != msg.sender) revert NotCollectionOwner();
        amountWei = _proceedsWei[collection];
        _proceedsWei[collection] = 0;
        emit Withdrawn(collection, to, amountWei);
        SafeTransferLib.safeTransferETH(to, amountWei);
    }

    // ---------------------------------------------------------------- views

    /// @notice Whether a voucher was claimed or cancelled.
    /// @param signer who signed it.
    /// @param nonce its nonce.
    function isUsed(address signer, uint256 nonce) public view returns (bool) {
        return (_used[signer][nonce >> 8] >> (nonce & 255)) & 1 == 1;
    }

    /// @notice What was paid for a collection's tokens and not withdrawn yet, in wei.
    /// @param collection the collection.
    function proceedsWei(address collection) external view returns (uint256) {
        return _proceedsWei[collection];
    }

    /// @notice What the signer of a voucher signs (EIP-712).
    /// @param voucher the promise.
    function voucherHash(Voucher calldata voucher) public view returns (bytes32) {
        return _hashTypedData(keccak256(abi.encode(_VOUCHER_TYPE, voucher)));
    }

    // ---------------------------------------------------------------- internal

    /// @dev Checks a voucher and uses its nonce. A contract that is a signer is asked by a static call.
    function _use(Voucher calldata voucher, address signer, bytes calldata signature) private {
        uint256 nonce = voucher.nonce;
        if (block.timestamp > voucher.deadline) revert VoucherExpired(nonce);
        if (isUsed(signer, nonce)) revert VoucherUsed(nonce);
        _used[signer][nonce >> 8] |= 1 << (nonce & 255);
        ICollection collection = ICollection(voucher.collection);
        if (!collection.hasAnyRole(signer, collection.VOUCHER_ROLE())
                || !SignatureCheckerLib.isValidSignatureNowCalldata(signer, voucherHash(voucher), signature)) {
            revert InvalidSignature(nonce);
        }
    }

    function _book(address collection, uint256 priceWei) private {
        if (msg.value < priceWei) revert PaymentTooSmall(priceWei);
        if (priceWei != 0) _proceedsWei[collection] += priceWei;
    }

    function _refund(uint256 priceWei) private {
        if (msg.value != priceWei) SafeTransferLib.safeTransferETH(msg.sender, msg.value - priceWei);
    }

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("Lorespark Vouchers", "1");
    }
}

/// @notice What vouchers ask of a collection.
interface ICollection {
    /// @notice The role whose signature makes a voucher.
    function VOUCHER_ROLE() external view returns (uint256);

    /// @notice The collection's owner.
    function owner() external view returns (address);

    /// @notice Whether an account has one of these roles.
    function hasAnyRole(address user, uint256 roles) external view returns (bool);

    /// @notice Mints one token.
    function mint(address to, bytes32 digest) external returns (uint256 tokenId);

    /// @notice Mints a page of tokens.
    function mintBatch(address to, bytes32[] calldata digests) external returns (uint256 firstId);
}
