// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// A collection that refuses digests which somebody told it to dislike; everything else its implementation does.
contract PickyAssets {
    error Disliked(bytes32 digest);

    address private immutable IMPLEMENTATION;

    /// @param implementation a deployed LoresparkAssets
    /// @param initialisation a call of its `initialise`
    constructor(address implementation, bytes memory initialisation) {
        IMPLEMENTATION = implementation;
        (bool done,) = implementation.delegatecall(initialisation);
        require(done, "not initialised");
    }

    function dislike(bytes32 digest) external {
        bytes32 slot = _slot(digest);
        assembly {
            sstore(slot, 1)
        }
    }

    fallback() external {
        if (msg.sig == bytes4(keccak256("mint(address,bytes32)"))) {
            (, bytes32 digest) = abi.decode(msg.data[4:], (address, bytes32));
            _check(digest);
        } else if (msg.sig == bytes4(keccak256("mintBatch(address,bytes32[])"))) {
            (, bytes32[] memory digests) = abi.decode(msg.data[4:], (address, bytes32[]));
            for (uint256 i = 0; i < digests.length; i++) _check(digests[i]);
        }
        (bool done, bytes memory answer) = IMPLEMENTATION.delegatecall(msg.data);
        assembly {
            if done { return(add(answer, 32), mload(answer)) }
            revert(add(answer, 32), mload(answer))
        }
    }

    function _check(bytes32 digest) private view {
        bytes32 slot = _slot(digest);
        uint256 disliked;
        assembly {
            disliked := sload(slot)
        }
        if (disliked != 0) revert Disliked(digest);
    }

    function _slot(bytes32 digest) private pure returns (bytes32) {
        return keccak256(abi.encode("PickyAssets", digest));
    }
}
