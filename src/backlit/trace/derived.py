"""What an engine never forms, computed by the functions that the equations are made of, and marked as derived.

A fused pair passes from a to δ = a - y without ∂C/∂a and σ', which at saturation are infinite and 0 while δ is
neither; BP2 passes from δ^{l+1} to δ^l without keeping ∂C/∂a^l. A reader wants to see all three.
"""

import numpy as np

from backlit import equations
from backlit.activations import Activation, Elementwise, Identity
from backlit.backpropagation import ForwardPass
from backlit.engines import BackwardPass
from backlit.network import Network
from backlit.notation import Array, ByLayer
from backlit.objective import Objective


def slopes(network: Network, forward: ForwardPass) -> ByLayer:
    """σ'(z^l) of every layer whose activation is elementwise; softmax has a full Jacobian instead."""
    with np.errstate(all="ignore"):
        return {
            layer.number: layer.activation.slope(forward.z[layer.number], forward.sigma[layer.number])
            for layer in network.layers
            if isinstance(layer.activation, Elementwise)
        }


def errors_of_activations(network: Network, objective: Objective, backward: BackwardPass, Y: Array) -> ByLayer:
    """∂C_i/∂a^l of layers L to 1: the cost's own gradient at L, δ^{l+1} W^{l+1} below; at 1 it is ∂C_i/∂x.

    BP2 with the identity's pull-back is what stands before σ' in BP2.
    """
    forward, delta, L = backward.forward, backward.errors.delta, network.L
    with np.errstate(all="ignore"):
        of = {L: objective.cost.gradient(forward.output, Y)}
        for layer in reversed(network.layers):
            l = layer.number
            below = forward.a[l - 1]
            of[l - 1] = equations.backpropagate_error(delta[l], layer.W, Identity(), below, below)
    return of


def jacobian(activation: Activation, z: Array, a: Array) -> Array:
    """∂a_k/∂z_j of each row, shape (m, n_l, n_l), k before j: the pull-back of each unit error."""
    n = z.shape[1]
    return np.stack([activation.pull_back(np.tile(unit, (len(z), 1)), z, a) for unit in np.eye(n, dtype=z.dtype)], 1)
