// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Calls somebody else whenever it is paid or receives a token, and remembers whether that worked.
contract HostileReceiver {
    address private _target;
    bytes private _call;
    uint256 private _valueWei;
    bytes4 private _answer = this.onERC721Received.selector;

    uint256 public attempts;
    uint256 public successes;

    constructor() payable {}

    receive() external payable {
        _strike();
    }

    function prepare(address target, bytes calldata call, uint256 valueWei) external {
        (_target, _call, _valueWei) = (target, call, valueWei);
    }

    function answerWith(bytes4 answer) external {
        _answer = answer;
    }

    function run(address target, bytes calldata call, uint256 valueWei) external payable {
        (bool done, bytes memory said) = target.call{value: valueWei}(call);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(said, 32), mload(said))
            }
        }
    }

    function onERC721Received(address, address, uint256, bytes calldata) external returns (bytes4) {
        _strike();
        return _answer;
    }

    function _strike() private {
        if (_target == address(0)) return;
        ++attempts;
        (bool done,) = _target.call{value: _valueWei}(_call);
        if (done) ++successes;
    }
}
