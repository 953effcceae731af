// Feed forward: z^l = a^{l-1} W^lᵀ + b^l, a^l = σ_l(z^l); with dropout a^l ← mask ⊙ a^l / (1-p).
// (m, n_{l-1}), W^lᵀ (n_{l-1}, n_l), (n_l,) → z and a, (m, n_l). One item is one tile: a panel of neurons × some rows.
#pragma once
#include "activations.hpp"
#include "dropout.hpp"
#include "tile.hpp"

namespace backlit::BACKLIT_ISA_NAME {

template <class T>
int feed_forward_items(const FeedForward<T>& w) {
  return up(w.neurons, PANEL<T>) * Cut(w.m).tiles;
}

// The epilogues. Identity and relu work on the registers. The others are longer than the loop that stores z and reads
// it again from the first-level cache, so they run over the tile as it lies there: one copy of each, not one a shape.
template <class T>
void activate_tile(Activation activation, const T* z, T* a, int numbers) {
  with_activation<T>(activation, [=](auto sigma) {
    for (int k = 0; k < numbers; k += LANES<T>) store(a + k, sigma.value(load(z + k)));
  });
}

template <class T>
struct FeedForwardTile {
  const FeedForward<T>& w;
  int panel, row;

  template <int ROWS, int VECTORS>
  INLINE void run() {
    Tile<T, ROWS, VECTORS> tile;
    const T* bias = w.bias + panel * PANEL<T>;
    UNROLL
    for (int v = 0; v < VECTORS; ++v) {
      const Vec<T> b = load(bias + v * LANES<T>);
      UNROLL
      for (int r = 0; r < ROWS; ++r) tile.at[r][v] = b;
    }
    multiply_rows(tile, w.a_before.data + row * PANEL<T>, w.a_before.stride, w.weights + panel * w.weights_stride,
                  w.inputs);

    const std::ptrdiff_t offset = row * PANEL<T>;
    T* sigma = w.sigma.data + panel * w.sigma.stride + offset;
    T* z = w.keep_z ? w.z.data + panel * w.z.stride + offset : sigma;
    if (w.activation == Activation::relu) {
      UNROLL
      for (int r = 0; r < ROWS; ++r)
        UNROLL
        for (int v = 0; v < VECTORS; ++v) store(sigma + r * PANEL<T> + v * LANES<T>, Relu<T>::value(tile.at[r][v]));
      if (!w.keep_z) return;
    }
    UNROLL
    for (int r = 0; r < ROWS; ++r)
      UNROLL
      for (int v = 0; v < VECTORS; ++v) store(z + r * PANEL<T> + v * LANES<T>, tile.at[r][v]);
    if (w.activation == Activation::relu || w.activation == Activation::softmax) return;
    if (w.activation == Activation::identity && z == sigma) return;
    if (VECTORS == 2)
      activate_tile(w.activation, z, sigma, ROWS * PANEL<T>);
    else
      for (int r = 0; r < ROWS; ++r) activate_tile(w.activation, z + r * PANEL<T>, sigma + r * PANEL<T>, LANES<T>);
  }
};

template <class T>
void feed_forward(const FeedForward<T>& w, int begin, int end) {
  const Cut cut(w.m);
  for (int item = begin; item < end; ++item) {
    const int panel = item / cut.tiles, tile = item % cut.tiles;
    const int row = cut.begin(tile), rows = cut.begin(tile + 1) - row;
    FeedForwardTile<T> work{w, panel, row};
    with_shape(rows, w.neurons - panel * PANEL<T> > LANES<T>, work);
    if (w.dropout.on) drop_tile(w, panel, row, rows);
  }
}

}  // namespace backlit::BACKLIT_ISA_NAME
