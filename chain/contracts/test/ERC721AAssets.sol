// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC721A} from "erc721a/contracts/ERC721A.sol";

/// @notice What ERC721A makes of the same task: consecutive ids, a CID each.
contract ERC721AAssets is ERC721A {
    address private immutable _owner = msg.sender;
    mapping(uint256 tokenId => string) private _cids;

    constructor() ERC721A("Reference", "REF") {}

    function mintBatch(address to, string[] calldata cids) external {
        require(msg.sender == _owner, "not the owner");
        uint256 next = _nextTokenId();
        for (uint256 i; i < cids.length; ++i) {
            _cids[next + i] = cids[i];
        }
        _mint(to, cids.length);
    }

    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        return string.concat("ipfs://", _cids[tokenId]);
    }
}
