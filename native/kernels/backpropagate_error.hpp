// BP2, error of a hidden layer: δ^l = pull-back through σ_l of (mask/(1-p) ⊙) δ^{l+1} W^{l+1}; (…) ⊙ σ'(z^l).
// (m, n_{l+1}), W^{l+1} (n_{l+1}, n_l) → (m, n_l). One item is one tile: a panel of neurons × some rows.
#pragma once
#include "activations.hpp"
#include "dropout.hpp"
#include "tile.hpp"

namespace backlit::BACKLIT_ISA_NAME {

template <class T>
int backpropagate_error_items(const BackpropagateError<T>& w) {
  return Tiling<T>(w.m, w.neurons).items();
}

// δ ← δ ⊙ σ'(z) over a tile as it lies in the first-level cache; relu does it in registers (see feed_forward.hpp).
template <class T>
void pull_back_tile(Activation activation, T* delta, const T* z, const T* a, int numbers) {
  with_activation<T>(activation, [=](auto sigma) {
    for (int k = 0; k < numbers; k += LANES<T>) {
      const Vec<T> at = load(a + k);
      store(delta + k, load(delta + k) * sigma.slope(z ? load(z + k) : at, at));
    }
  });
}

// The pull-back of some rows of a panel that lie in δ's place: mask, then σ'.
template <class T>
void pull_back_rows(const BackpropagateError<T>& w, int panel, int row, int rows, int vectors) {
  for (std::ptrdiff_t offset = row * PANEL<T>; rows-- > 0; offset += PANEL<T>) {
    T* delta = w.delta.data + panel * w.delta.stride + offset;
    if (w.dropped) {
      const T* mask = w.mask.data + panel * w.mask.stride + offset;
      for (int k = 0; k < vectors * LANES<T>; k += LANES<T>)
        store(delta + k, drop<T>(load(delta + k), load(mask + k), set(w.scale)));
    }
    if (w.activation == Activation::identity) continue;
    pull_back_tile(w.activation, delta, w.z.data ? w.z.data + panel * w.z.stride + offset : nullptr,
                   w.sigma.data + panel * w.sigma.stride + offset, vectors * LANES<T>);
  }
}

template <class T>
struct BackpropagateErrorTile {
  const BackpropagateError<T>& w;
  int panel, row, from, until;  // neurons of the next layer from … until - 1 of the sum

  template <int ROWS, int VECTORS>
  INLINE void run() {
    const std::ptrdiff_t offset = row * PANEL<T>;
    T* delta = w.delta.data + panel * w.delta.stride + offset;
    Tile<T, ROWS, VECTORS> tile;
    clear(tile);
    multiply_rows(tile, w.delta_next.data + from / PANEL<T> * w.delta_next.stride + offset, w.delta_next.stride,
                  w.weights_next + panel * w.weights_stride + std::ptrdiff_t(from) * PANEL<T>, until - from);
    if (from > 0) add_tile(tile, delta);
    if (until == w.neurons_next)
      pull_back(tile, delta, offset);
    else
      store_tile(tile, delta);
  }

  template <int ROWS, int VECTORS>
  INLINE void pull_back(Tile<T, ROWS, VECTORS>& tile, T* delta, std::ptrdiff_t offset) {
    const T* sigma = w.sigma.data + panel * w.sigma.stride + offset;
    const T* z = w.z.data ? w.z.data + panel * w.z.stride + offset : nullptr;
    if (w.dropped) {
      const T* mask = w.mask.data + panel * w.mask.stride + offset;
      UNROLL
      for (int r = 0; r < ROWS; ++r)
        UNROLL
        for (int v = 0; v < VECTORS; ++v)
          tile.at[r][v] = drop<T>(tile.at[r][v], load(mask + r * PANEL<T> + v * LANES<T>), set(w.scale));
    }
    if (w.activation == Activation::relu) {
      UNROLL
      for (int r = 0; r < ROWS; ++r)
        UNROLL
        for (int v = 0; v < VECTORS; ++v) {
          const Vec<T> a = load(sigma + r * PANEL<T> + v * LANES<T>);
          tile.at[r][v] = tile.at[r][v] * Relu<T>::slope(a, a);
        }
    }
    store_tile(tile, delta);
    if (w.activation == Activation::identity || w.activation == Activation::relu) return;
    for (int r = 0; r < ROWS; ++r)
      pull_back_tile(w.activation, delta + r * PANEL<T>, z ? z + r * PANEL<T> : nullptr, sigma + r * PANEL<T>,
                     VECTORS * LANES<T>);
  }
};

template <class T>
void backpropagate_error(const BackpropagateError<T>& w, int begin, int end) {
  each_tile<T>(w.m, w.neurons, w.neurons_next, Gather<T>{}, begin, end, [&](int panel, int row, int, int from, int until) {
    return BackpropagateErrorTile<T>{w, panel, row, from, until};
  });
}

}  // namespace backlit::BACKLIT_ISA_NAME
