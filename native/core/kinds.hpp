// What the network is made of, as plain numbers: the words of DESIGN, one enumerator each.
#pragma once

namespace backlit {

enum class Activation { identity, sigmoid, tanh, relu, leaky_relu, elu, gelu, silu, softplus, exponential, softmax };

enum class Cost { quadratic, mse, binary_cross_entropy, cross_entropy, huber, poisson };

// What counts as a right row: the largest output is the target's largest; every output on its target's side of ½.
enum class Decision { none, argmax, threshold };

// The optimizer's update.
enum class Rule { sgd, momentum, nesterov, rmsprop, adam, adamw };

// How many vectors of state a rule keeps beside θ.
constexpr int slots_of(Rule rule) { return rule == Rule::sgd ? 0 : rule == Rule::adam || rule == Rule::adamw ? 2 : 1; }

// Whether σ'(z) can be had from σ(z) alone; where not, feed forward keeps z.
constexpr bool slope_needs_z(Activation activation) {
  return activation == Activation::gelu || activation == Activation::silu || activation == Activation::softplus;
}

}  // namespace backlit
