#include "measure.hpp"

#include <algorithm>

namespace backlit {

namespace {

// |σ'| below 0.05 of the steepest slope is saturated: FLAT in src/backlit/engines/statistics.py.
double flat(Activation activation) {
  return 0.05 * (activation == Activation::sigmoid || activation == Activation::softmax ? 0.25 : 1.0);
}

}  // namespace

template <class T>
Measure<T>::Measure(const Kernels<T>& kernels, const std::vector<LayerSpec>& specs, int capacity)
    : kernels_(kernels), capacity_(capacity) {
  const std::size_t items = std::size_t((capacity + MEASURED_ROWS - 1) / MEASURED_ROWS);
  for (const LayerSpec& spec : specs) {
    const int neurons = padded(spec.neurons, kernels.panel), inputs = padded(spec.inputs, kernels.panel);
    stirred_.emplace_back(items * std::size_t(neurons));
    MeasuredLayer<T> layer{};
    layer.neurons = spec.neurons, layer.activation = spec.activation, layer.flat = T(flat(spec.activation));
    layer.stirred = stirred_.back().get();
    layers_.push_back(layer);
    const std::size_t blocks = std::size_t(neurons / kernels.panel) * std::size_t(inputs / kernels.panel);
    observed_.emplace_back(blocks * std::size_t(OBSERVED * kernels.lanes));
    numbers_ += spec.neurons;
  }
  sums_ = Buffer<double>(items * specs.size() * PASS_SUMS * std::size_t(kernels.lanes));
  row_gradients_ = Buffer<T>(std::size_t(capacity));
  pass_.inputs = specs.front().inputs, pass_.layers = int(specs.size());
  pass_.layer = layers_.data(), pass_.sums = sums_.get(), pass_.row_gradients = row_gradients_.get();
}

template <class T>
void Measure<T>::over_pass(Crew& crew, const Pass<T>& pass) {
  pass_.m = pass.m(), pass_.x = pass.x(), pass_.row_weights = pass.row_weights();
  for (std::size_t l = 0; l < layers_.size(); ++l) pass.show(l, layers_[l]);
  const double flops = pass.m() * (20 * numbers_ + 2 * pass_.inputs);
  crew.each(kernels_.measure_pass_items(pass_), flops, [&](int begin, int end) { kernels_.measure_pass(pass_, begin, end); });
}

template <class T>
void Measure<T>::observe(std::vector<WeightGradient<T>>& work) {
  for (std::size_t l = 0; l < work.size(); ++l) work[l].observed = observed_[l].get();
}

template <class T>
void Measure<T>::hand_over(const Pass<T>& pass, const std::vector<WeightGradient<T>>& work, double learning_rate,
                           Measurements& to) {
  kernels_.finish_pass(pass_, to.layers);
  for (const WeightGradient<T>& w : work) {
    double seen[OBSERVED];
    kernels_.add_observed(w.observed, kernels_.weight_gradient_items(w), seen);
    if (w.penalty == T(0)) seen[4] = seen[0];
    const Rule rule = w.update.rule;
    if (rule == Rule::sgd) {  // Δθ = -η g, by as much as clipping left of g
      const double rate = learning_rate * double(w.gradient_scale);
      seen[2] = rate * rate * seen[0], seen[3] = -rate * seen[0];
      seen[7] = rate * rate * seen[5], seen[3] -= rate * seen[5];
    } else if (rule == Rule::rmsprop || rule == Rule::adam) {  // seen before it was multiplied by -rate
      const double rate = double(w.update.rate);
      seen[2] *= rate * rate, seen[3] *= -rate, seen[7] *= rate * rate;
    }
    const double order[] = {seen[1], seen[6], seen[0], seen[5], seen[4] + seen[5], seen[2], seen[7], seen[3]};
    for (int k = 0; k < 8; ++k) to.layers[7 + k] = order[k];
    to.layers += STATISTICS;
  }
  to.row_costs = std::copy_n(pass.row_costs(), pass.m(), to.row_costs);
  to.row_gradients = std::copy_n(row_gradients_.get(), pass.m(), to.row_gradients);
}

template <class T>
Panels<const T> Measure<T>::into_panels(std::size_t room, const T* rows, int m, int columns) {
  const std::ptrdiff_t stride = capacity_ * kernels_.panel;
  if (rooms_.size() <= room) rooms_.resize(room + 1);
  Buffer<T>& to = rooms_[room];
  if (!to) to = Buffer<T>(std::size_t(capacity_) * std::size_t(padded(columns, kernels_.panel)));
  kernels_.gather(Gather<T>{rows, nullptr, 0, m, columns, {to.get(), stride}}, 0, m);
  return {to.get(), stride};
}

template <class T>
void Measure<T>::over_rows(int m, const T* x, const std::vector<LayerRows<T>>& layers, double* sums, T* row_gradients) {
  const DenormalsAreZero flush;
  if (!ones_) {
    ones_ = Buffer<T>(std::size_t(capacity_));
    std::fill_n(ones_.get(), capacity_, T(1));
  }
  pass_.m = m, pass_.row_weights = ones_.get();
  pass_.x = into_panels(0, x, m, pass_.inputs);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    MeasuredLayer<T>& layer = layers_[l];
    const LayerRows<T>& from = layers[l];
    auto taken = [&](std::size_t k, const T* rows) { return into_panels(1 + 4 * l + k, rows, m, layer.neurons); };
    layer.z = taken(0, from.z), layer.delta = taken(1, from.delta);
    layer.sigma = from.sigma == from.z ? layer.z : taken(2, from.sigma);
    layer.a = from.a == from.sigma ? layer.sigma : taken(3, from.a);
  }
  kernels_.measure_pass(pass_, 0, kernels_.measure_pass_items(pass_));
  kernels_.finish_pass(pass_, sums);
  std::copy_n(row_gradients_.get(), m, row_gradients);
}

template class Measure<float>;
template class Measure<double>;

}  // namespace backlit
