// The equations as they stand: plain loops over row-major matrices, in double. The twin of every fast kernel, for the
// tests to compare with and for the reader to begin with.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "../core/kinds.hpp"
#include "../core/philox.hpp"

namespace backlit::naive {

struct Matrix {
  int rows, columns;
  std::vector<double> numbers;
  Matrix(int rows_, int columns_) : rows(rows_), columns(columns_), numbers(std::size_t(rows_) * std::size_t(columns_)) {}
  double& operator()(int i, int j) { return numbers[std::size_t(i) * std::size_t(columns) + std::size_t(j)]; }
  double operator()(int i, int j) const { return numbers[std::size_t(i) * std::size_t(columns) + std::size_t(j)]; }
};

inline double sigmoid(double z) { return z >= 0 ? 1 / (1 + std::exp(-z)) : std::exp(z) / (1 + std::exp(z)); }
inline double normal_distribution(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

inline double value(Activation activation, double z) {
  switch (activation) {
    case Activation::sigmoid: return sigmoid(z);
    case Activation::tanh: return std::tanh(z);
    case Activation::relu: return std::max(z, 0.0);
    case Activation::leaky_relu: return z > 0 ? z : 0.01 * z;
    case Activation::elu: return z > 0 ? z : std::expm1(z);
    case Activation::gelu: return z * normal_distribution(z);
    case Activation::silu: return z * sigmoid(z);
    case Activation::softplus: return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z)));
    case Activation::exponential: return std::exp(z);
    default: return z;
  }
}

inline double slope(Activation activation, double z) {
  const double a = value(activation, z);
  switch (activation) {
    case Activation::sigmoid: return a * (1 - a);
    case Activation::tanh: return 1 - a * a;
    case Activation::relu: return z > 0 ? 1 : 0;
    case Activation::leaky_relu: return z > 0 ? 1 : 0.01;
    case Activation::elu: return z > 0 ? 1 : std::exp(z);
    case Activation::gelu: return normal_distribution(z) + z * std::exp(-0.5 * z * z) / std::sqrt(2 * std::acos(-1.0));
    case Activation::silu: return sigmoid(z) + a * (1 - sigmoid(z));
    case Activation::softplus: return sigmoid(z);
    case Activation::exponential: return a;
    default: return 1;
  }
}

// z = a_before Wᵀ + b.  (m, n_{l-1}), (n_l, n_{l-1}), (n_l) → (m, n_l)
inline Matrix weighted_input(const Matrix& a_before, const Matrix& W, const std::vector<double>& b) {
  Matrix z(a_before.rows, W.rows);
  for (int i = 0; i < z.rows; ++i)
    for (int j = 0; j < z.columns; ++j) {
      z(i, j) = b[std::size_t(j)];
      for (int k = 0; k < W.columns; ++k) z(i, j) += a_before(i, k) * W(j, k);
    }
  return z;
}

// a = σ(z), elementwise; softmax over each row.
inline Matrix activate(Activation activation, const Matrix& z) {
  Matrix a = z;
  for (int i = 0; i < z.rows; ++i) {
    double top = z(i, 0), sum = 0;
    for (int j = 0; j < z.columns; ++j) top = std::max(top, z(i, j));
    for (int j = 0; j < z.columns; ++j) sum += std::exp(z(i, j) - top);
    for (int j = 0; j < z.columns; ++j)
      a(i, j) = activation == Activation::softmax ? std::exp(z(i, j) - top) / sum : value(activation, z(i, j));
  }
  return a;
}

// Whether dropout keeps neuron j of row i.
inline bool keeps(std::uint64_t seed, std::uint64_t step, std::uint64_t layer, int neurons, double p, int i, int j) {
  const std::uint64_t block = std::uint64_t(i) * std::uint64_t((neurons + 7) / 8) + std::uint64_t(j / 8);
  const PhiloxBlock random = philox(seed, 2, block + 1, 0, layer, step);
  const double number = double(std::uint32_t(random.words[j % 8 / 2] >> (32 * (j % 2))));
  return number >= std::nearbyint(p * 4294967296.0);
}

// BP1 of a fused pair: δ = a - y.
inline Matrix fused_output_error(const Matrix& a, const Matrix& y) {
  Matrix delta = a;
  for (int i = 0; i < a.rows; ++i)
    for (int j = 0; j < a.columns; ++j) delta(i, j) -= y(i, j);
  return delta;
}

// BP2: δ = (δ_next W_next) ⊙ σ'(z).  (m, n_{l+1}), (n_{l+1}, n_l) → (m, n_l)
inline Matrix backpropagate_error(const Matrix& delta_next, const Matrix& W_next, Activation activation, const Matrix& z) {
  Matrix delta(z.rows, z.columns);
  for (int i = 0; i < z.rows; ++i)
    for (int k = 0; k < z.columns; ++k) {
      double error = 0;
      for (int j = 0; j < delta_next.columns; ++j) error += delta_next(i, j) * W_next(j, k);
      delta(i, k) = error * slope(activation, z(i, k));
    }
  return delta;
}

// BP3: ∂C/∂b_j = (1/m) Σ_i δ_ij
inline std::vector<double> bias_gradient(const Matrix& delta) {
  std::vector<double> g(std::size_t(delta.columns));
  for (int i = 0; i < delta.rows; ++i)
    for (int j = 0; j < delta.columns; ++j) g[std::size_t(j)] += delta(i, j) / delta.rows;
  return g;
}

// BP4 and the penalty: ∂C/∂W_jk = (1/m) Σ_i δ_ij a_ik + (λ/n) W_jk
inline Matrix weight_gradient(const Matrix& delta, const Matrix& a_before, const Matrix& W, double penalty) {
  Matrix g(W.rows, W.columns);
  for (int j = 0; j < W.rows; ++j)
    for (int k = 0; k < W.columns; ++k) {
      for (int i = 0; i < delta.rows; ++i) g(j, k) += delta(i, j) * a_before(i, k) / delta.rows;
      g(j, k) += penalty * W(j, k);
    }
  return g;
}

// The update of one parameter, its state in s0 and s1; the numbers as in core/work.hpp.
template <class Numbers>
double update(const Numbers& u, double theta, double g, double& s0, double& s1) {
  switch (u.rule) {
    case Rule::sgd: return theta - u.rate * g;
    case Rule::momentum: return theta + (s0 = u.decay_1 * s0 - u.rate * g);
    case Rule::nesterov: return s0 = u.decay_1 * s0 - u.rate * g, theta + u.decay_1 * s0 - u.rate * g;
    case Rule::rmsprop:
      s0 = u.decay_1 * s0 + u.fresh_1 * g * g;
      return theta - u.rate * g / (std::sqrt(s0) + u.epsilon);
    default:
      s0 = u.decay_1 * s0 + u.fresh_1 * g;
      s1 = u.decay_2 * s1 + u.fresh_2 * g * g;
      return theta * u.shrink - u.rate * s0 / (std::sqrt(s1) * u.correction + u.epsilon);
  }
}

}  // namespace backlit::naive
