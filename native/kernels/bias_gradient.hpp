// BP3, gradient of the biases: ∂C/∂b^l = (1/m) Σ_i w̃_i δ^l_i.  (m, n_l) → (n_l,), one panel at a time.
#pragma once
#include "../core/work.hpp"
#include "tile.hpp"

namespace backlit::BACKLIT_ISA_NAME {

template <class T, class Then>
INLINE void bias_gradient(const WeightGradient<T>& w, int panel, Then then) {
  const T* delta = w.delta.data + panel * w.delta.stride;
  Vec<T> sum[WIDTH];  // side by side, lest each addition wait for the last
  UNROLL
  for (int v = 0; v < WIDTH; ++v) sum[v] = set(T(0));
  for (int i = 0; i < w.m; ++i, delta += PANEL<T>)
    UNROLL
    for (int v = 0; v < WIDTH; ++v) sum[v] = sum[v] + load(delta + v * LANES<T>);
  for (int v = 0; v < vectors_in<T>(w.neurons, panel); ++v) then(panel * PANEL<T> + v * LANES<T>, sum[v] * set(w.per_row));
}

// δ with each row multiplied by its weight: what BP3 and BP4 sum over where rows have weights.
template <class T>
void weight_rows(Panels<const T> delta, const T* row_weights, int m, int columns, Panels<T> weighted) {
  for (int p = 0; p * PANEL<T> < columns; ++p)
    for (int i = 0; i < m; ++i)
      for (int v = 0; v < PANEL<T>; v += LANES<T>) {
        const std::ptrdiff_t at = i * PANEL<T> + v;
        store(weighted.data + p * weighted.stride + at, load(delta.data + p * delta.stride + at) * set(row_weights[i]));
      }
}

}  // namespace backlit::BACKLIT_ISA_NAME
