// Into panels and out of them: rows gathered for a batch, θ's W against the engine's Wᵀ, blocks turned in registers.
#pragma once
#include "../core/work.hpp"
#include "tile.hpp"

namespace backlit::BACKLIT_ISA_NAME {

// Step of a transpose: in every 2×2 block of blocks of `D` lanes, the two off the diagonal change places.
template <class T, int D, bool SECOND, std::size_t... J>
INLINE Vec<T> exchange(Vec<T> a, Vec<T> b, std::index_sequence<J...>) {
  constexpr int N = LANES<T>;
  if constexpr (!SECOND)
    return __builtin_shufflevector(a, b, ((J & D) ? int(J) - D + N : int(J))...);
  else
    return __builtin_shufflevector(a, b, ((J & D) ? int(J) + N : int(J) + D)...);
}

template <class T, int D>
INLINE void transpose_step(Vec<T> (&row)[LANES<T>]) {
  using Lanes = std::make_index_sequence<LANES<T>>;
  UNROLL
  for (int i = 0; i < LANES<T>; ++i)
    if (!(i & D)) {
      const Vec<T> a = row[i], b = row[i + D];
      row[i] = exchange<T, D, false>(a, b, Lanes{});
      row[i + D] = exchange<T, D, true>(a, b, Lanes{});
    }
  if constexpr (D > 1) transpose_step<T, D / 2>(row);
}

// to[j][i] = from[i][j], a square of LANES in registers; rows PANEL numbers apart on both sides.
template <class T>
INLINE void transpose_square(const T* from, T* to) {
  Vec<T> row[LANES<T>];
  UNROLL
  for (int i = 0; i < LANES<T>; ++i) row[i] = load(from + i * PANEL<T>);
  transpose_step<T, LANES<T> / 2>(row);
  UNROLL
  for (int i = 0; i < LANES<T>; ++i) store(to + i * PANEL<T>, row[i]);
}

// A block of PANEL × PANEL numbers, contiguous on both sides, of which the first rows and columns are in use.
template <class T>
inline void transpose_panel_block(const T* from, T* to, int rows = PANEL<T>, int columns = PANEL<T>) {
  constexpr int N = LANES<T>, P = PANEL<T>;
  for (int i = 0; i < rows; i += N)
    for (int j = 0; j < columns; j += N) transpose_square(from + i * P + j, to + j * P + i);
}

// One row of `columns` numbers into row i of panels, zeros to the end of the last.
template <class T>
INLINE void to_panels(const T* row, int columns, Panels<T> to, int i) {
  T* out = to.data + std::ptrdiff_t(i) * PANEL<T>;
  for (; columns >= PANEL<T>; columns -= PANEL<T>, row += PANEL<T>, out += to.stride)
    UNROLL
    for (int v = 0; v < PANEL<T>; v += LANES<T>) store(out + v, load(row + v));
  if (columns <= 0) return;
  for (int v = 0; v < PANEL<T>; v += LANES<T>) {
    const int left = columns - v;
    store(out + v, left >= LANES<T> ? load(row + v) : left > 0 ? load_first(row + v, left) : set(T(0)));
  }
}

template <class T>
void gather(const Gather<T>& w, int begin, int end) {
  for (int i = begin; i < end; ++i)
    to_panels(w.rows + (w.order ? w.order[i] : w.first + i) * w.columns, w.columns, w.to, i);
}

template <class T>
void scatter(Panels<const T> from, int m, int columns, T* rows) {
  for (int p = 0; p * PANEL<T> < columns; ++p) {
    const int wide = columns - p * PANEL<T> < PANEL<T> ? columns - p * PANEL<T> : PANEL<T>;
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < wide; ++j)
        rows[std::ptrdiff_t(i) * columns + p * PANEL<T> + j] = from.data[p * from.stride + i * PANEL<T> + j];
  }
}

template <class T>
int repack_items(const Repack<T>& w) {
  return up(w.neurons, PANEL<T>) * up(w.inputs, PANEL<T>);
}

// A block of W as θ holds it, row by row, and as a mirror holds it: the same square, cut out or put back.
template <class T, class Move>
INLINE void each_row_of_block(const Repack<T>& w, int p, int q, Move move) {
  const int rows = w.neurons - p * PANEL<T> < PANEL<T> ? w.neurons - p * PANEL<T> : PANEL<T>;
  const int columns = w.inputs - q * PANEL<T> < PANEL<T> ? w.inputs - q * PANEL<T> : PANEL<T>;
  for (int j = 0; j < rows; ++j) {
    T* row = w.W + std::ptrdiff_t(p * PANEL<T> + j) * w.inputs + q * PANEL<T>;
    for (int v = 0; v < columns; v += LANES<T>)
      move(row + v, j * PANEL<T> + v, columns - v < LANES<T> ? columns - v : LANES<T>);
  }
}

template <class T>
void pack(const Repack<T>& w, int begin, int end) {
  constexpr std::ptrdiff_t SIZE = PANEL<T> * PANEL<T>;
  const int inputs = up(w.inputs, PANEL<T>);
  for (int item = begin; item < end; ++item) {
    const int p = item / inputs, q = item % inputs;
    alignas(BYTES) T square[SIZE] = {};
    each_row_of_block(w, p, q, [&](const T* from, int at, int count) {
      store(square + at, count == LANES<T> ? load(from) : load_first(from, count));
    });
    transpose_panel_block(square, w.weights + p * w.weights_stride + q * SIZE);
    if (w.mirror) std::memcpy(w.mirror + q * w.mirror_stride + p * SIZE, square, sizeof square);
  }
}

template <class T>
void unpack(const Repack<T>& w, int begin, int end) {
  constexpr std::ptrdiff_t SIZE = PANEL<T> * PANEL<T>;
  const int inputs = up(w.inputs, PANEL<T>);
  for (int item = begin; item < end; ++item) {
    const int p = item / inputs, q = item % inputs;
    alignas(BYTES) T square[SIZE];
    transpose_panel_block(w.weights + p * w.weights_stride + q * SIZE, square);
    each_row_of_block(w, p, q, [&](T* to, int at, int count) {
      const Vec<T> row = load(square + at);
      if (count == LANES<T>)
        store(to, row);
      else
        store_first(to, row, count);
    });
  }
}

}  // namespace backlit::BACKLIT_ISA_NAME
