// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LibClone} from "solady/src/utils/LibClone.sol";

import {CollectionTerms, LoresparkAssets} from "./LoresparkAssets.sol";

/// @title The factory of collections
/// @notice Gives each studio a contract of its own, with its name, symbol and royalty, for the gas of a minimal
/// proxy (ERC-1167). Nobody can exchange the code behind one.
contract LoresparkCollections {
    // ---------------------------------------------------------------- storage

    /// @notice The contract whose code every collection runs.
    address public immutable implementation;

    // ---------------------------------------------------------------- events

    /// @notice `creator` made `collection`, which `admin` owns.
    event CollectionCreated(address indexed creator, address indexed collection, address indexed admin);

    // ---------------------------------------------------------------- errors

    /// @notice There is no contract at the implementation's address.
    error ImplementationMissing();

    /// @notice The caller has a collection with this salt already.
    error CollectionExists(address collection);

    // ---------------------------------------------------------------- constructor

    /// @param implementation_ a deployed `LoresparkAssets`.
    constructor(address implementation_) {
        if (implementation_.code.length == 0) revert ImplementationMissing();
        implementation = implementation_;
    }

    // ---------------------------------------------------------------- creating

    /// @notice Creates a collection. Anybody may; nobody else can take the address, for it follows from the
    /// caller's.
    /// @param terms what the collection begins with.
    /// @param salt tells the caller's collections apart; used once.
    /// @return collection the new contract.
    function createCollection(CollectionTerms calldata terms, bytes32 salt) external returns (address collection) {
        collection = collectionAddress(msg.sender, salt);
        if (collection.code.length != 0) revert CollectionExists(collection);
        LibClone.cloneDeterministic_PUSH0(implementation, _saltOf(msg.sender, salt));
        emit CollectionCreated(msg.sender, collection, terms.admin);
        LoresparkAssets(collection).initialise(terms);
    }

    // ---------------------------------------------------------------- views

    /// @notice The address that a collection has, or will have.
    /// @param creator who calls `createCollection`.
    /// @param salt the salt it is called with.
    function collectionAddress(address creator, bytes32 salt) public view returns (address) {
        return
            LibClone.predictDeterministicAddress_PUSH0(implementation, _saltOf(creator, salt), address(this));
    }

    // ---------------------------------------------------------------- internal

    function _saltOf(address creator, bytes32 salt) private pure returns (bytes32) {
        return keccak256(abi.encode(creator, salt));
    }
}
