#include "pass.hpp"

#include <cmath>

namespace backlit {

namespace {
constexpr double ROW = 3e4;    // of the output, however narrow, in flops
constexpr int TILE_ROWS = 16;  // of a matrix unit: its last tile is stored whole
}

template <class T>
Pass<T>::Pass(const Kernels<T>& kernels, const std::vector<LayerSpec>& specs, int capacity, Wants wants)
    : kernels_(kernels), specs_(&specs), capacity_(wants.unit_rows ? padded(capacity, TILE_ROWS) : capacity), wants_(wants) {
  auto room = [&](int columns) { return Buffer<T>(std::size_t(capacity_) * std::size_t(padded(columns, kernels.panel))); };
  x_ = room(specs.front().inputs);
  row_costs_ = Buffer<T>(std::size_t(capacity));
  row_weights_ = Buffer<T>(std::size_t(capacity));
  row_hits_ = Buffer<double>(std::size_t(capacity));
  for (std::size_t l = 0; l < specs.size(); ++l) {
    const bool output = l + 1 == specs.size();
    Layer layer;
    layer.sigma = room(specs[l].neurons);
    if (wants.everything || (wants.backward && (output || slope_needs_z(specs[l].activation))))
      layer.z = room(specs[l].neurons);
    if (wants.dropout && specs[l].dropout > 0) {
      layer.a = room(specs[l].neurons);
      layer.mask = room(specs[l].neurons);
    }
    if (wants.backward) {
      layer.delta = room(specs[l].neurons);
      if (wants.row_weights) layer.weighted = room(specs[l].neurons);
      if (on_matrix_unit(kernels, specs[l], wants.unit_rows)) {
        // whole tiles of 32 × 32, of three panels of them where columns go by panels, and three parts of each number
        auto parts = [&](int columns) {
          return Buffer<std::uint16_t>(3 * std::size_t(padded(capacity, 32)) * std::size_t(padded(columns, 2 * kernels.panel)));
        };
        layer.a_rows = parts(specs[l].inputs), layer.a_turned = parts(specs[l].inputs);
        layer.delta_paired = parts(specs[l].neurons);
        if (l > 0) layer.delta_rows = parts(specs[l].neurons);
      }
    }
    layers_.push_back(std::move(layer));
  }
  if (wants.backward) y_ = room(specs.back().neurons);
}

template <class T>
void Pass<T>::gather(Crew& crew, const T* X, const T* Y, const T* row_weights, const std::int64_t* order,
                     std::int64_t first, int m) {
  m_ = m;
  const Gather<T> x{X, order, first, m, specs_->front().inputs, panels(x_)};
  crew.each(m, 40.0 * m * x.columns, [&](int begin, int end) { kernels_.gather(x, begin, end); });
  if (Y) kernels_.gather(Gather<T>{Y, order, first, m, specs_->back().neurons, panels(y_)}, 0, m);
  T* weights = row_weights_.get();
  for (int i = 0; i < m; ++i) weights[i] = row_weights ? row_weights[order ? order[i] : first + i] : T(1);
}

template <class T>
void Pass<T>::feed_forward(Crew& crew, const Parameters<T>& parameters, const Draw* draw, const Gather<T>& ahead) {
  dropped_ = draw != nullptr;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const LayerSpec& spec = (*specs_)[l];
    const Layer& layer = layers_[l];
    FeedForward<T> work{};
    work.m = m_, work.inputs = spec.inputs, work.neurons = spec.neurons;
    work.a_before = a_before(l);
    if (layer.a_rows) {
      split(crew, work.a_before, spec.inputs, layer.a_rows.get(), layer.a_turned.get(), nullptr);
      work.a_split = layer.a_rows.get();
    }
    work.weights = parameters[l].weights.get(), work.weights_stride = parameters[l].weights_stride;
    work.bias = parameters[l].bias.get();
    work.activation = spec.activation;
    work.keep_z = bool(layer.z);
    if (l == 0) work.ahead = ahead;
    work.z = panels(layer.z), work.sigma = panels(layer.sigma);
    if (layer.a) {
      work.a = panels(layer.a), work.mask = panels(layer.mask);
      work.dropout.on = true;
      work.dropout.seed = draw->seed, work.dropout.step = draw->step, work.dropout.layer = l + 2;
      const double threshold = std::nearbyint(spec.dropout * 4294967296.0);
      work.dropout.threshold = threshold > 4294967295.0 ? 4294967295u : std::uint32_t(threshold);
      work.dropout.scale = T(1 / (1 - spec.dropout));
    }
    crew.each(kernels_.feed_forward_items(work), flops(l),
              [&](int begin, int end) { kernels_.feed_forward(work, begin, end); });
    crew.maybe_stop();
  }
}

template <class T>
void Pass<T>::feed_forward_single_row(Crew& crew, const T* theta) {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const LayerSpec& spec = (*specs_)[l];
    const std::ptrdiff_t weights = std::ptrdiff_t(spec.neurons) * spec.inputs;
    FeedForward<T> work{};
    work.m = 1, work.inputs = spec.inputs, work.neurons = spec.neurons;
    work.a_before = a_before(l), work.sigma = panels(layers_[l].sigma);
    work.activation = spec.activation;
    crew.each(kernels_.single_row_items(work), 4 * flops(l), [&](int begin, int end) {
      kernels_.single_row(work, theta, theta + weights, begin, end);
    });
    theta += weights + spec.neurons;
  }
}

template <class T>
void Pass<T>::softmax_output(Crew& crew) {
  if (specs_->back().activation != Activation::softmax) return;
  const Layer& layer = layers_.back();
  const Panels<const T> z = read(layer.z ? layer.z : layer.sigma);
  const int neurons = specs_->back().neurons;
  crew.each(m_, m_ * (ROW + 60.0 * neurons),
            [&](int begin, int end) { kernels_.softmax(neurons, z, panels(layer.sigma), begin, end); });
}

template <class T>
void Pass<T>::output_error(Crew& crew, const ObjectiveSpec& objective, Decision decision) {
  const Layer& layer = layers_.back();
  OutputError<T> work{};
  work.m = m_, work.neurons = specs_->back().neurons;
  work.activation = specs_->back().activation;
  work.cost = objective.cost, work.fused = objective.fused, work.decision = decision;
  work.z = read(layer.z), work.a = panels(layer.sigma), work.delta = panels(layer.delta), work.y = read(y_);
  work.row_costs = row_costs_.get(), work.row_hits = row_hits_.get();
  crew.each(m_, m_ * (ROW + 100.0 * work.neurons), [&](int begin, int end) { kernels_.output_error(work, begin, end); });
}

template <class T>
void Pass<T>::backpropagate_error(Crew& crew, const Parameters<T>& parameters) {
  for (std::size_t l = layers_.size() - 1; l-- > 0;) {
    const Layer& layer = layers_[l];
    BackpropagateError<T> work{};
    work.m = m_, work.neurons_next = (*specs_)[l + 1].neurons, work.neurons = (*specs_)[l].neurons;
    work.delta_next = read(layers_[l + 1].delta);
    if (const Layer& next = layers_[l + 1]; next.a_rows) {
      split(crew, work.delta_next, work.neurons_next, next.delta_rows.get(), nullptr,
            wants_.row_weights ? nullptr : next.delta_paired.get());
      work.delta_split = next.delta_rows.get();
      work.weights_next = parameters[l + 1].weights.get(), work.weights_stride = parameters[l + 1].weights_stride;
    } else {
      work.weights_next = parameters[l + 1].mirror.get(), work.weights_stride = parameters[l + 1].mirror_stride;
    }
    work.activation = (*specs_)[l].activation;
    work.z = read(layer.z), work.sigma = read(layer.sigma), work.mask = read(layer.mask);
    work.dropped = bool(layer.mask);
    work.scale = T(1 / (1 - (*specs_)[l].dropout));
    work.delta = panels(layer.delta);
    crew.each(kernels_.backpropagate_error_items(work), flops(l + 1),
              [&](int begin, int end) { kernels_.backpropagate_error(work, begin, end); });
    crew.maybe_stop();
  }
}

template <class T>
void Pass<T>::split(Crew& crew, Panels<const T> from, int columns, std::uint16_t* rows, std::uint16_t* turned,
                    std::uint16_t* paired) const {
  const Split<T> work{m_, columns, from, rows, turned, paired};
  crew.each(kernels_.split_items(work), 50.0 * m_ * columns, [&](int begin, int end) { kernels_.split(work, begin, end); });
}

template <class T>
void Pass<T>::prepare_gradients(Crew& crew) {
  if (wants_.row_weights) weigh_errors(crew);
  for (std::size_t l = 0; l < layers_.size(); ++l)
    if (layers_[l].a_rows && (l == 0 || wants_.row_weights))
      split(crew, errors(l), (*specs_)[l].neurons, nullptr, nullptr, layers_[l].delta_paired.get());
}

template <class T>
void Pass<T>::weigh_errors(Crew& crew) {
  crew.each(int(layers_.size()), 0, [&](int begin, int end) {
    for (int l = begin; l < end; ++l) {
      const Layer& layer = layers_[std::size_t(l)];
      kernels_.weight_rows(read(layer.delta), row_weights_.get(), m_, (*specs_)[std::size_t(l)].neurons,
                           panels(layer.weighted));
    }
  });
}

template <class T>
WeightGradient<T> Pass<T>::weight_gradient(std::size_t l, const Parameters<T>& parameters, double penalty) const {
  WeightGradient<T> work{};
  work.m = m_, work.inputs = (*specs_)[l].inputs, work.neurons = (*specs_)[l].neurons;
  work.delta = errors(l);
  work.a_before = a_before(l);
  if (layers_[l].a_rows) work.a_split = layers_[l].a_turned.get(), work.delta_split = layers_[l].delta_paired.get();
  work.per_row = T(1.0 / m_);
  work.penalty = T(penalty);
  work.weights = parameters[l].weights.get(), work.weights_stride = parameters[l].weights_stride;
  work.mirror = parameters[l].mirror.get(), work.mirror_stride = parameters[l].mirror_stride;
  work.bias = parameters[l].bias.get();
  work.gradient_scale = T(1);
  return work;
}

template <class T>
double Pass<T>::cost_sum() const {
  double sum = 0;
  for (int i = 0; i < m_; ++i) sum += double(row_weights_.get()[i]) * double(row_costs_.get()[i]);
  return sum;
}
template <class T>
double Pass<T>::hit_sum() const {
  double sum = 0;
  for (int i = 0; i < m_; ++i) sum += double(row_weights_.get()[i]) * row_hits_.get()[i];
  return sum;
}
template <class T>
double Pass<T>::weight_sum() const {
  double sum = 0;
  for (int i = 0; i < m_; ++i) sum += double(row_weights_.get()[i]);
  return sum;
}

template class Pass<float>;
template class Pass<double>;

}  // namespace backlit
