// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Answers the question whether a signature holds (ERC-1271) as no wallet should.
contract HostileWallet {
    uint256 private immutable _kind;

    constructor(uint256 kind) {
        _kind = kind;
    }

    fallback() external {
        uint256 kind = _kind;
        assembly {
            mstore(0, shl(224, 0x1626ba7e))
            switch kind
            case 0 { return(0, 4) } // no whole word
            case 1 { return(0, 64) } // more than a word
            case 2 { revert(0, 32) } // the right answer, refused
            case 3 { for {} 1 {} {} } // all the gas there is
            case 4 { return(0, 0) } // nothing
            default {
                mstore(0, 1) // true, but no bytes4
                return(0, 32)
            }
        }
    }
}
