// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "solady/src/auth/Ownable.sol";
import {ERC721} from "solady/src/tokens/ERC721.sol";

/// @notice What Solady's ERC721 makes of the same task: consecutive ids, a 32-byte digest each.
contract SoladyAssets is ERC721, Ownable {
    uint256 private _next;
    mapping(uint256 tokenId => bytes32) private _digests;

    constructor() {
        _initializeOwner(msg.sender);
    }

    function mintBatch(address to, bytes32[] calldata digests) external onlyOwner {
        uint256 next = _next;
        _next = next + digests.length;
        for (uint256 i; i < digests.length; ++i) {
            _mint(to, next + i);
            _digests[next + i] = digests[i];
        }
    }

    function name() public pure override returns (string memory) {
        return "Reference";
    }

    function symbol() public pure override returns (string memory) {
        return "REF";
    }

    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        return string(abi.encodePacked(_digests[tokenId]));
    }
}
