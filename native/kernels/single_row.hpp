// Feed forward of one row, straight from W as θ holds it, (n_l, n_{l-1}) row by row: one prediction reads each weight
// once, and packing them first would read and write them all. Squares of W are turned in registers, so that each neuron's
// sum runs in the order of its inputs as in feed_forward.hpp, with the same bits. One item is a vector of neurons.
#pragma once
#include "feed_forward.hpp"
#include "panels.hpp"

namespace backlit::BACKLIT_ISA_NAME {

template <class T>
int single_row_items(const FeedForward<T>& w) {
  return up(w.neurons, LANES<T>);
}

// w.m is 1 and its panels lie one behind the other: row 0 is contiguous.
template <class T>
void single_row(const FeedForward<T>& w, const T* W, const T* bias, int begin, int end) {
  constexpr int N = LANES<T>;
  for (int item = begin; item < end; ++item) {
    const int first = item * N, count = w.neurons - first < N ? w.neurons - first : N;
    Vec<T> z = load_first(bias + first, count);
    for (int k = 0; k < w.inputs; k += N) {
      const int left = w.inputs - k < N ? w.inputs - k : N;
      Vec<T> row[N];
      UNROLL
      for (int j = 0; j < N; ++j) {
        const T* from = W + std::ptrdiff_t(first + (j < count ? j : 0)) * w.inputs + k;
        row[j] = left == N ? load(from) : load_first(from, left);
      }
      transpose_step<T, N / 2>(row);
      UNROLL
      for (int j = 0; j < N; ++j)
        if (j < left) z = fma(set(w.a_before.data[k + j]), row[j], z);
    }
    T* at = w.sigma.data + first;
    store(at, z);
    if (w.activation == Activation::relu)
      store(at, Relu<T>::value(z));
    else if (w.activation != Activation::softmax && w.activation != Activation::identity)
      activate_tile(w.activation, at, at, N);
  }
}

}  // namespace backlit::BACKLIT_ISA_NAME
