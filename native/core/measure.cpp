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
Measure<T>::Measure(const Kernels<T>& kernels, const std::vector<LayerSpec>& specs, int capacity) : kernels_(kernels) {
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

template class Measure<float>;
template class Measure<double>;

}  // namespace backlit
