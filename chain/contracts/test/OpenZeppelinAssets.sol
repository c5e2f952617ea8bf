// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC721URIStorage} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721URIStorage.sol";

/// @notice What OpenZeppelin's parts make of the same task: consecutive ids from a first one, a CID each.
contract OpenZeppelinAssets is ERC721URIStorage, Ownable {
    uint256 private _next;

    constructor(uint256 first) ERC721("Reference", "REF") Ownable(msg.sender) {
        _next = first;
    }

    function mintBatch(address to, string[] calldata cids) external onlyOwner {
        for (uint256 i; i < cids.length; ++i) {
            _mint(to, _next);
            _setTokenURI(_next++, cids[i]);
        }
    }

    function _baseURI() internal pure override returns (string memory) {
        return "ipfs://";
    }

    function burn(uint256 tokenId) external {
        _update(address(0), tokenId, msg.sender);
    }
}
