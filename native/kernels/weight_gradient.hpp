// BP4, gradient of the weights: ∂C/∂W^l = (1/m) Σ_i w̃_i δ^l_iᵀ a^{l-1}_i, BP3 beside it, the penalty, and the update.
// δ (m, n_l), a (m, n_{l-1}) → W^lᵀ (n_{l-1}, n_l). One item is one block: a panel of inputs × a panel of neurons.
//
// Fused, the gradient tile is applied to W and to the optimizer's state straight from registers and is never in memory;
// unfused it is stored, and `update` runs the same expression over it later. Afterwards the block is copied, turned, to
// the mirror that BP2 reads. BP2 of this layer has been done by then: it needs the W that fed forward.
#pragma once
#include "bias_gradient.hpp"
#include "panels.hpp"
#include "tile.hpp"
#include "update.hpp"

namespace backlit::BACKLIT_ISA_NAME {

// What becomes of a gradient tile: stored …
template <class T>
struct Store {
  T* gradient;
  INLINE void operator()(std::ptrdiff_t at, Vec<T> g) const { store(gradient + at, g); }
};
// … or applied.
template <class T, class Updates>
struct Apply {
  Updates update;
  T* weights;
  T* slots[2];
  INLINE void operator()(std::ptrdiff_t at, Vec<T> g) const {
    store(weights + at, update(load(weights + at), g, slots[0] + at, slots[1] + at));
  }
};

template <class T>
INLINE Vec<T> with_penalty(Vec<T> g, const WeightGradient<T>& w, std::ptrdiff_t at) {
  return w.penalty != T(0) ? fma(set(w.penalty), load(w.weights + at), g) : g;
}

template <class T, class Then>
struct WeightGradientTile {
  const WeightGradient<T>& w;
  Then then;
  const T *a, *delta;
  std::ptrdiff_t at;  // of the tile's first number in the weights

  template <int ROWS, int VECTORS>
  INLINE void run() {
    Tile<T, ROWS, VECTORS> tile;
    clear(tile);
    multiply_columns(tile, a, delta, w.m);
    const Vec<T> per_row = set(w.per_row);
    UNROLL
    for (int r = 0; r < ROWS; ++r)
      UNROLL
      for (int v = 0; v < VECTORS; ++v) {
        const std::ptrdiff_t here = at + r * PANEL<T> + v * LANES<T>;
        then(here, with_penalty(tile.at[r][v] * per_row, w, here));
      }
  }
};

struct Block {
  int p, q;  // panel of neurons, panel of inputs
  template <class T>
  Block(const WeightGradient<T>& w, int item) : p(item / up(w.inputs, PANEL<T>)), q(item % up(w.inputs, PANEL<T>)) {}
};

template <class T>
int weight_gradient_items(const WeightGradient<T>& w) {
  return up(w.neurons, PANEL<T>) * up(w.inputs, PANEL<T>);
}

template <class T, class Then>
void gradient_block(const WeightGradient<T>& w, const Block& block, Then then) {
  const int first = block.q * PANEL<T>, left = w.inputs - first;
  const Cut cut(left < PANEL<T> ? left : PANEL<T>);
  for (int t = 0; t < cut.tiles; ++t) {
    const int r = cut.begin(t);
    WeightGradientTile<T, Then> tile{w, then, w.a_before.data + block.q * w.a_before.stride + r,
                                     w.delta.data + block.p * w.delta.stride,
                                     block.p * w.weights_stride + std::ptrdiff_t(first + r) * PANEL<T>};
    with_shape(cut.begin(t + 1) - r, w.neurons - block.p * PANEL<T> > LANES<T>, tile);
  }
}

template <class T>
void mirror_block(const WeightGradient<T>& w, const Block& block) {
  if (!w.mirror) return;
  constexpr std::ptrdiff_t SIZE = PANEL<T> * PANEL<T>;
  transpose_panel_block(w.weights + block.p * w.weights_stride + block.q * SIZE,
                        w.mirror + block.q * w.mirror_stride + block.p * SIZE);
}

template <class T>
void weight_gradient(const WeightGradient<T>& w, int begin, int end) {
  if (w.gradient) {
    for (int item = begin; item < end; ++item) {
      const Block block(w, item);
      gradient_block(w, block, Store<T>{w.gradient});
      if (block.q == 0) bias_gradient(w, block.p, [&](std::ptrdiff_t at, Vec<T> g) { store(w.bias_gradient + at, g); });
    }
    return;
  }
  with_rule(w.update, [&](auto update) {
    for (int item = begin; item < end; ++item) {
      const Block block(w, item);
      gradient_block(w, block, Apply<T, decltype(update)>{update, w.weights, {w.slots[0], w.slots[1]}});
      if (block.q == 0)
        bias_gradient(w, block.p, Apply<T, decltype(update)>{update, w.bias, {w.bias_slots[0], w.bias_slots[1]}});
      mirror_block(w, block);
    }
  });
}

// The update alone, from the gradient as stored; clipped where its scale is not 1.
template <class T>
void update(const WeightGradient<T>& w, int begin, int end) {
  with_rule(w.update, [&](auto update) {
    const Vec<T> scale = set(w.gradient_scale);
    const bool clipped = w.gradient_scale != T(1);
    for (int item = begin; item < end; ++item) {
      const Block block(w, item);
      const Apply<T, decltype(update)> weights{update, w.weights, {w.slots[0], w.slots[1]}};
      const int first = block.q * PANEL<T>, last = first + PANEL<T> < w.inputs ? first + PANEL<T> : w.inputs;
      auto take = [&](const auto& apply, T* gradient, std::ptrdiff_t at) {
        Vec<T> g = load(gradient + at);
        if (clipped) store(gradient + at, g = g * scale);
        apply(at, g);
      };
      const int wide = w.neurons - block.p * PANEL<T> > LANES<T> ? PANEL<T> : LANES<T>;
      for (int k = first; k < last; ++k)
        for (int v = 0; v < wide; v += LANES<T>)
          take(weights, w.gradient, block.p * w.weights_stride + std::ptrdiff_t(k) * PANEL<T> + v);
      if (block.q == 0) {
        const Apply<T, decltype(update)> bias{update, w.bias, {w.bias_slots[0], w.bias_slots[1]}};
        for (int v = 0; v < wide; v += LANES<T>) take(bias, w.bias_gradient, block.p * PANEL<T> + v);
      }
      mirror_block(w, block);
    }
  });
}

// Σ g² of one block, in float64, row after row: what the global norm is made of.
template <class T>
double gradient_square(const WeightGradient<T>& w, int item) {
  const Block block(w, item);
  double lanes[PANEL<T>] = {};
  auto add = [&](const T* g) {
    for (int j = 0; j < PANEL<T>; ++j) lanes[j] += double(g[j]) * double(g[j]);
  };
  const int first = block.q * PANEL<T>, last = first + PANEL<T> < w.inputs ? first + PANEL<T> : w.inputs;
  for (int k = first; k < last; ++k) add(w.gradient + block.p * w.weights_stride + std::ptrdiff_t(k) * PANEL<T>);
  if (block.q == 0) add(w.bias_gradient + block.p * PANEL<T>);
  double total = 0;
  for (int j = 0; j < PANEL<T>; ++j) total += lanes[j];
  return total;
}

}  // namespace backlit::BACKLIT_ISA_NAME
