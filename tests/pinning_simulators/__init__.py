"""Pinning services on loopback that speak the real protocols and keep real blocks, with faults on demand.

What they have no fault for is tried against a real node as well (tests/ipfs_node).
"""

from tests.pinning_simulators.kubo_node import kubo
from tests.pinning_simulators.remote_service import ApiSimulator, gateway_of, pinning_api
from tests.pinning_simulators.simulator import Simulator

__all__ = ["ApiSimulator", "Simulator", "gateway_of", "kubo", "pinning_api"]
