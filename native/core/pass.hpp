// One pass over a batch, phase by phase: feed forward, BP1, BP2, then BP3 + BP4 (+ update), with everything in panels.
// Layers are numbered here from 0: layer 0 is the maths' layer 2, the first that has weights.
#pragma once
#include <cstdint>
#include <vector>

#include "parameters.hpp"

namespace backlit {

struct ObjectiveSpec {
  Cost cost;
  bool fused;
  double penalty;  // λ/n
};

// What dropout draws its masks from.
struct Draw {
  std::uint64_t seed, step;
};

template <class T>
class Pass {
 public:
  struct Wants {
    bool backward = true;   // δ and what it needs
    bool everything = false;  // every z, though no kernel needs it
    bool dropout = false;
    bool row_weights = false;
    int unit_rows = 0;  // on_matrix_unit's
  };

  Pass(const Kernels<T>& kernels, const std::vector<LayerSpec>& specs, int capacity, Wants wants);

  int m() const { return m_; }
  // Rows of X (and Y, where there is one) into the pass.
  void gather(Crew& crew, const T* X, const T* Y, const T* row_weights, const std::int64_t* order, std::int64_t first,
              int m);
  void feed_forward(Crew& crew, const Parameters<T>& parameters, const Draw* draw, const Gather<T>& ahead = {});
  // Of one row, in a pass with room for one, from θ as it lies; keeps a alone.
  void feed_forward_single_row(Crew& crew, const T* theta);
  void softmax_output(Crew& crew);  // where nothing but a^L is wanted
  void output_error(Crew& crew, const ObjectiveSpec& objective, Decision decision);
  void backpropagate_error(Crew& crew, const Parameters<T>& parameters);

  // What BP3 and BP4 of layer l are given; the caller says where the gradient goes.
  WeightGradient<T> weight_gradient(std::size_t l, const Parameters<T>& parameters, double penalty) const;
  void prepare_gradients(Crew& crew);  // what BP3 and BP4 need beside δ

  // Copies out, row by row: layer l's z, σ(z), a, mask and δ; a of layer -1 is x.
  void copy_x(T* to) const { scatter(x_, 0, specs_->front().inputs, to); }
  void copy_z(std::size_t l, T* to) const { scatter(layers_[l].z, l, to); }
  void copy_sigma(std::size_t l, T* to) const { scatter(layers_[l].sigma, l, to); }
  void copy_a(std::size_t l, T* to) const { scatter(after_dropout(l), l, to); }
  void copy_mask(std::size_t l, T* to) const { scatter(layers_[l].mask, l, to); }
  void copy_delta(std::size_t l, T* to) const { scatter(layers_[l].delta, l, to); }
  const T* row_costs() const { return row_costs_.get(); }
  const T* row_weights() const { return row_weights_.get(); }

  Panels<const T> x() const { return read(x_); }
  void show(std::size_t l, MeasuredLayer<T>& to) const {
    const Layer& layer = layers_[l];
    to.z = read(layer.z), to.sigma = read(layer.sigma), to.a = read(after_dropout(l)), to.delta = read(layer.delta);
  }

  // Sums over the rows, in their order, in float64.
  double cost_sum() const;
  double hit_sum() const;
  double weight_sum() const;

 private:
  struct Layer {
    Buffer<T> z, sigma, a, mask, delta, weighted;
    // For a matrix unit: the activations that come in and the errors, split; empty where vectors multiply.
    Buffer<std::uint16_t> a_rows, a_turned, delta_rows, delta_paired;
  };

  Panels<T> panels(const Buffer<T>& buffer) const { return {buffer.get(), std::ptrdiff_t(capacity_) * kernels_.panel}; }
  Panels<const T> read(const Buffer<T>& buffer) const {
    return {buffer.get(), std::ptrdiff_t(capacity_) * kernels_.panel};
  }
  const Buffer<T>& after_dropout(std::size_t l) const { return layers_[l].a ? layers_[l].a : layers_[l].sigma; }
  Panels<const T> errors(std::size_t l) const { return read(wants_.row_weights ? layers_[l].weighted : layers_[l].delta); }
  void weigh_errors(Crew& crew);  // δ times the row weights
  Panels<const T> a_before(std::size_t l) const { return l ? read(after_dropout(l - 1)) : read(x_); }
  void scatter(const Buffer<T>& from, std::size_t l, T* to) const { scatter(from, l, (*specs_)[l].neurons, to); }
  void scatter(const Buffer<T>& from, std::size_t, int columns, T* to) const {
    kernels_.scatter(read(from), m_, columns, to);
  }
  void split(Crew& crew, Panels<const T> from, int columns, std::uint16_t* rows, std::uint16_t* turned,
             std::uint16_t* paired) const;
  // Of one product of layer l, in whole vectors: a narrow layer takes as long.
  double flops(std::size_t l) const {
    const LayerSpec& spec = (*specs_)[l];
    return 2.0 * m_ * padded(spec.inputs, kernels_.lanes) * padded(spec.neurons, kernels_.lanes);
  }

  const Kernels<T>& kernels_;
  const std::vector<LayerSpec>* specs_;
  int capacity_;  // rows there is room for; with a matrix unit, whole tiles
  int m_ = 0;
  Wants wants_;
  bool dropped_ = false;
  Buffer<T> x_, y_, row_weights_, row_costs_;
  Buffer<double> row_hits_;
  std::vector<Layer> layers_;
};

}  // namespace backlit
