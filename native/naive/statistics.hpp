// What the lens keeps of a step, as it is defined in src/backlit/engines/statistics.py: plain loops, in double.
#pragma once
#include "equations.hpp"

namespace backlit::naive {

// One layer's part of a pass. a is what the next layer received, σ what it was before dropout.
struct LayerPass {
  Activation activation;
  Matrix z, sigma, a, delta;
};

// The sums of one layer; their order is that of SUMS.
struct LayerStatistics {
  double z, a, delta, slope, saturated, zero, dead, W, b, weight_gradient, bias_gradient, data_gradient, weight_update,
      bias_update, descent, rows;
};

inline double square(const std::vector<double>& numbers) {
  double sum = 0;
  for (double number : numbers) sum += number * number;
  return sum;
}

inline double product(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

// |σ'(z)|; of softmax the diagonal of its Jacobian.
inline double steepness(const LayerPass& layer, int i, int j) {
  const double a = layer.sigma(i, j);
  return layer.activation == Activation::softmax ? a * (1 - a) : std::abs(slope(layer.activation, layer.z(i, j)));
}

// ‖∇C_x‖² over one layer, from the gradient itself: ∂C_x/∂W_jk = δ_j a_k, ∂C_x/∂b_j = δ_j.
inline double row_gradient_square(const Matrix& delta, const Matrix& a_before, int i) {
  double sum = 0;
  for (int j = 0; j < delta.columns; ++j) {
    for (int k = 0; k < a_before.columns; ++k) sum += std::pow(delta(i, j) * a_before(i, k), 2);
    sum += std::pow(delta(i, j), 2);
  }
  return sum;
}

// Of z, σ, a and δ. A neuron is saturated where |σ'| is below `flat`.
inline void add_pass(LayerStatistics& to, const LayerPass& layer, const Matrix& a_before,
                     const std::vector<double>& row_weights, double flat) {
  to.z = square(layer.z.numbers), to.a = square(layer.a.numbers), to.delta = square(layer.delta.numbers);
  for (int j = 0; j < layer.z.columns; ++j) {
    bool dead = true;
    for (int i = 0; i < layer.z.rows; ++i) {
      const double steep = steepness(layer, i, j);
      to.slope += steep, to.saturated += steep < flat, to.zero += layer.sigma(i, j) == 0;
      dead = dead && steep < flat;
    }
    to.dead += dead;
  }
  for (int i = 0; i < layer.z.rows; ++i)
    to.rows += std::pow(row_weights[std::size_t(i)], 2) * row_gradient_square(layer.delta, a_before, i);
}

// Of an update: the parameters before it, the gradient with the penalty and before clipping, what it changed.
inline void add_update(LayerStatistics& to, const std::vector<double>& W, const std::vector<double>& b,
                       const std::vector<double>& weight_gradient, const std::vector<double>& bias_gradient,
                       const std::vector<double>& weight_change, const std::vector<double>& bias_change, double penalty) {
  std::vector<double> of_data = weight_gradient;
  for (std::size_t k = 0; k < W.size(); ++k) of_data[k] -= penalty * W[k];
  to.W = square(W), to.b = square(b);
  to.weight_gradient = square(weight_gradient), to.bias_gradient = square(bias_gradient);
  to.data_gradient = square(of_data) + square(bias_gradient);
  to.weight_update = square(weight_change), to.bias_update = square(bias_change);
  to.descent = product(weight_gradient, weight_change) + product(bias_gradient, bias_change);
}

}  // namespace backlit::naive
