// Feed forward: z^l = a^{l-1} W^lᵀ + b^l, a^l = σ_l(z^l); with dropout a^l ← mask ⊙ a^l / (1-p).
// (m, n_{l-1}), W^lᵀ (n_{l-1}, n_l), (n_l,) → z and a, (m, n_l). One item is one tile: a panel of neurons × some rows.
#pragma once
#include "activations.hpp"
#include "dropout.hpp"
#include "tile.hpp"

namespace backlit::BACKLIT_ISA_NAME {

template <class T>
int feed_forward_items(const FeedForward<T>& w) {
  return Tiling<T>(w.m, w.neurons).items();
}

// The epilogues. Identity and relu work on the registers. The others are longer than the loop that stores z and reads
// it again from the first-level cache, so they run over the tile as it lies there: one copy of each, not one a shape.
template <class T>
void activate_tile(Activation activation, const T* z, T* a, int numbers) {
  with_activation<T>(activation, [=](auto sigma) {
    for (int k = 0; k < numbers; k += LANES<T>) store(a + k, sigma.value(load(z + k)));
  });
}

// Of some rows of a panel; softmax needs whole rows, and comes later.
template <class T>
INLINE void activate_rows(const FeedForward<T>& w, const T* z, T* sigma, int rows, int vectors) {
  if (w.activation == Activation::identity && z == sigma) return;
  if (vectors == WIDTH) return activate_tile(w.activation, z, sigma, rows * PANEL<T>);
  for (int r = 0; r < rows; ++r) activate_tile(w.activation, z + r * PANEL<T>, sigma + r * PANEL<T>, vectors * LANES<T>);
}

template <class T>
struct FeedForwardTile {
  const FeedForward<T>& w;
  int panel, row, rows, from, until;  // inputs from … until - 1 of the sum

  template <int ROWS, int VECTORS>
  INLINE void run() {
    const std::ptrdiff_t offset = row * PANEL<T>;
    T* sigma = w.sigma.data + panel * w.sigma.stride + offset;
    T* z = w.keep_z ? w.z.data + panel * w.z.stride + offset : sigma;
    Tile<T, ROWS, VECTORS> tile;
    if (from == 0) {
      UNROLL
      for (int v = 0; v < VECTORS; ++v) {
        const Vec<T> b = load(w.bias + panel * PANEL<T> + v * LANES<T>);
        UNROLL
        for (int r = 0; r < ROWS; ++r) tile.at[r][v] = b;
      }
    } else {
      clear(tile);
    }
    multiply_rows(tile, w.a_before.data + from / PANEL<T> * w.a_before.stride + offset, w.a_before.stride,
                  w.weights + panel * w.weights_stride + std::ptrdiff_t(from) * PANEL<T>, until - from);
    if (from > 0) add_tile(tile, z);
    if (until < w.inputs || w.keep_z) store_tile(tile, z);
    if (until < w.inputs) return;

    if (w.activation == Activation::relu) {
      UNROLL
      for (int r = 0; r < ROWS; ++r)
        UNROLL
        for (int v = 0; v < VECTORS; ++v) tile.at[r][v] = Relu<T>::value(tile.at[r][v]);
      store_tile(tile, sigma);
    } else {
      if (!w.keep_z) store_tile(tile, sigma);
      activate_rows(w, z, sigma, ROWS, VECTORS);
    }
    if (w.dropout.on) drop_tile(w, panel, row, rows);
  }
};

template <class T>
void feed_forward(const FeedForward<T>& w, int begin, int end) {
  each_tile<T>(w.m, w.neurons, w.inputs, w.ahead, begin, end, [&](int panel, int row, int rows, int from, int until) {
    return FeedForwardTile<T>{w, panel, row, rows, from, until};
  });
}

}  // namespace backlit::BACKLIT_ISA_NAME
