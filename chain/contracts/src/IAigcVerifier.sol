// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What judges proofs of generated content
/// @notice A collection asks it in place of checking a prover's signature: for zero-knowledge proofs, say.
interface IAigcVerifier {
    /// @notice Whether a proof holds.
    /// @param recipeHash the sha2-256 of the recipe's canonical JSON.
    /// @param contentDigest the sha2-256 digest of the content.
    /// @param proof the token id (32 bytes), and behind it whatever this verifier defines. It has to bind the
    /// token id, or a proof that somebody sees can be used for another token.
    /// @return whether it holds.
    function verify(bytes32 recipeHash, bytes32 contentDigest, bytes calldata proof) external view returns (bool);
}
