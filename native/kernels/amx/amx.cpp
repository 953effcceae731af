// The kernels of a CPU with a matrix unit for bfloat16 (AMX), on which float32 products are made of six (split.hpp): the
// three products of a training step where a layer is large enough, everything else as x86-64-v4 has it.
#include "../feed_forward.hpp"
#include "../backpropagate_error.hpp"
#include "gradient.hpp"
#include "product.hpp"

namespace backlit {
namespace BACKLIT_ISA_NAME {

const Kernels<float>& plain() { return *kernels_v4<float>(); }

// Below (measured on one thread and on two), splitting a and W costs more than the unit saves; above, the split copies take
// more memory than they are worth.
bool pays(int m, int inputs, int neurons) {
  constexpr int MOST = 1 << 16;
  return m >= 64 && m <= 4096 && inputs >= 128 && neurons >= 256 && inputs * std::int64_t(neurons) >= 128 * 1024 &&
         inputs <= MOST && neurons <= MOST;
}

int feed_forward_tiles(const FeedForward<float>& w) {
  return w.a_split ? product_items(w.m, w.neurons) : plain().feed_forward_items(w);
}

void feed_forward_on_tiles(const FeedForward<float>& w, int begin, int end) {
  if (!w.a_split) return plain().feed_forward(w, begin, end);
  const Panels<float> z = w.keep_z ? w.z : w.sigma;
  const Product work{w.m, w.inputs, w.neurons, w.a_split, w.weights, w.weights_stride, w.bias, z, &w.ahead};
  product<AsItLies>(work, begin, end, [&](int panel, int row, int rows, int vectors) {
    const std::ptrdiff_t offset = row * PANEL<float>;
    activate_rows(w, z.data + panel * z.stride + offset, w.sigma.data + panel * w.sigma.stride + offset, rows, vectors);
    if (w.dropout.on) drop_tile(w, panel, row, rows);
  });
}

int backpropagate_error_tiles(const BackpropagateError<float>& w) {
  return w.delta_split ? product_items(w.m, w.neurons) : plain().backpropagate_error_items(w);
}

void backpropagate_error_on_tiles(const BackpropagateError<float>& w, int begin, int end) {
  if (!w.delta_split) return plain().backpropagate_error(w, begin, end);
  const Product work{w.m, w.neurons_next, w.neurons, w.delta_split, w.weights_next, w.weights_stride, nullptr,
                     w.delta, nullptr};
  product<Turned>(work, begin, end,
          [&](int panel, int row, int rows, int vectors) { pull_back_rows(w, panel, row, rows, vectors); });
}

void weight_gradient_on_tiles(const WeightGradient<float>& w, int begin, int end) {
  if (!w.a_split) return plain().weight_gradient(w, begin, end);
  gradient_on_tiles(w, begin, end);
}

}  // namespace BACKLIT_ISA_NAME

// Made when first asked for: nothing compiled for this instruction set may run while a library is loaded.
template <>
const Kernels<float>* kernels_amx() {
  using namespace BACKLIT_ISA_NAME;
  static const Kernels<float> table = [] {
    Kernels<float> kernels = plain();
    kernels.isa = "amx";
    kernels.splits = pays;
    kernels.split_items = split_items;
    kernels.split = split;
    kernels.feed_forward_items = feed_forward_tiles;
    kernels.feed_forward = feed_forward_on_tiles;
    kernels.backpropagate_error_items = backpropagate_error_tiles;
    kernels.backpropagate_error = backpropagate_error_on_tiles;
    kernels.weight_gradient = weight_gradient_on_tiles;
    kernels.multiply_adds = multiply_adds_on_tiles;
    return kernels;
  }();
  return &table;
}
// The unit has no float64.
template <>
const Kernels<double>* kernels_amx() {
  static const Kernels<double> table = [] {
    Kernels<double> kernels = *kernels_v4<double>();
    kernels.isa = "amx";
    return kernels;
  }();
  return &table;
}

}  // namespace backlit
