// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAigcVerifier} from "../src/IAigcVerifier.sol";

/// @notice Takes a proof that repeats recipe and content behind the token id, as a zero-knowledge verifier would
/// take a proof of them.
contract ProofJudge is IAigcVerifier {
    function verify(bytes32 recipeHash, bytes32 contentDigest, bytes calldata proof) external pure returns (bool) {
        return proof.length == 96 && bytes32(proof[32:64]) == recipeHash && bytes32(proof[64:]) == contentDigest;
    }
}
