// Feed forward of one row, straight from W as θ holds it, (n_l, n_{l-1}) row by row: one prediction reads each weight
// once, and packing them first would read and write them all. Squares of W are turned in registers, so that each neuron's
// sum runs in the order of its inputs as in feed_forward.hpp, with the same bits. One item is a vector of neurons.
#pragma once
#include "feed_forward.hpp"

namespace backlit::BACKLIT_ISA_NAME {

template <class T>
int single_row_items(const FeedForward<T>& w) {
  return up(w.neurons, LANES<T>);
}

// column[k][j] = W[j][k] of a square of LANES, rows of W `stride` numbers apart. Its blocks of 16 bytes change places as
// they are loaded, which costs no shuffle; within a block, neighbours are interleaved: 32 shuffles where the turn of a
// square that lies in registers takes 64, and shuffles are what bounds a prediction of one row.
template <class T>
INLINE void load_turned(const T* W, std::ptrdiff_t stride, Vec<T> (&column)[LANES<T>]) {
  constexpr int BLOCK = 16 / int(sizeof(T));
  UNROLL
  for (int k = 0; k < LANES<T>; k += BLOCK) {
    Vec<T> row[BLOCK];
    UNROLL
    for (int j = 0; j < BLOCK; ++j) row[j] = load_blocks(W + j * stride + k, BLOCK * stride);
    turn_blocks(row, column + k);
  }
}

// z of COUNT vectors of neurons, one square of W after the other: the chains of one run while the next is turned.
template <class T, int COUNT>
INLINE void weighted_input(const FeedForward<T>& w, const T* W, Vec<T> (&z)[COUNT]) {
  constexpr int N = LANES<T>;
  const T* a = w.a_before.data;
  for (int first = 0; first < w.inputs; first += CHAIN<T>) {
    const int end = first + CHAIN<T> < w.inputs ? first + CHAIN<T> : w.inputs;
    Vec<T> sum[COUNT];
    for (int c = 0; c < COUNT; ++c) sum[c] = first ? set(T(0)) : z[c];
    int k = first;
    for (; k + N <= end; k += N)
      UNROLL
      for (int c = 0; c < COUNT; ++c) {
        Vec<T> column[N];
        load_turned(W + std::ptrdiff_t(c) * N * w.inputs + k, w.inputs, column);
        UNROLL
        for (int j = 0; j < N; ++j) sum[c] = fma(set(a[k + j]), column[j], sum[c]);
      }
    for (; k < end; ++k)
      for (int c = 0; c < COUNT; ++c) {
        Vec<T> column;
        for (int j = 0; j < N; ++j) column[j] = W[std::ptrdiff_t(c * N + j) * w.inputs + k];
        sum[c] = fma(set(a[k]), column, sum[c]);
      }
    for (int c = 0; c < COUNT; ++c) z[c] = first ? z[c] + sum[c] : sum[c];
  }
}

// The last neurons, fewer than a vector: their columns number by number.
template <class T>
INLINE void weighted_input_of_few(const FeedForward<T>& w, const T* W, int count, Vec<T>& z) {
  for (int first = 0; first < w.inputs; first += CHAIN<T>) {
    const int end = first + CHAIN<T> < w.inputs ? first + CHAIN<T> : w.inputs;
    Vec<T> sum = first ? set(T(0)) : z;
    for (int k = first; k < end; ++k) {
      Vec<T> column = set(T(0));
      for (int j = 0; j < count; ++j) column[j] = W[std::ptrdiff_t(j) * w.inputs + k];
      sum = fma(set(w.a_before.data[k]), column, sum);
    }
    z = first ? z + sum : sum;
  }
}

template <class T>
INLINE void activate_row(const FeedForward<T>& w, Vec<T> z, T* at) {
  store(at, w.activation == Activation::relu ? Relu<T>::value(z) : z);
  if (w.activation != Activation::relu && w.activation != Activation::softmax && w.activation != Activation::identity)
    activate_tile(w.activation, at, at, LANES<T>);
}

// w.m is 1 and its panels lie one behind the other: row 0 is contiguous.
template <class T>
void single_row(const FeedForward<T>& w, const T* W, const T* bias, int begin, int end) {
  constexpr int N = LANES<T>;
  for (int item = begin; item < end;) {
    const int first = item * N, left = w.neurons - first;
    const T* rows = W + std::ptrdiff_t(first) * w.inputs;
    if (left >= 2 * N && item + 1 < end) {
      Vec<T> z[2] = {load(bias + first), load(bias + first + N)};
      weighted_input<T, 2>(w, rows, z);
      activate_row(w, z[0], w.sigma.data + first);
      activate_row(w, z[1], w.sigma.data + first + N);
      item += 2;
      continue;
    }
    Vec<T> z[1] = {load_first(bias + first, left < N ? left : N)};
    if (left >= N)
      weighted_input<T, 1>(w, rows, z);
    else
      weighted_input_of_few(w, rows, left, z[0]);
    activate_row(w, z[0], w.sigma.data + first);
    ++item;
  }
}

}  // namespace backlit::BACKLIT_ISA_NAME
