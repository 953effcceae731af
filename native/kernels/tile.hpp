// The one matrix product: a tile of ROWS rows × VECTORS vectors (at most a panel wide) that stays in registers.
//
// tile[r][v] = Σ_s a(r, s) · b[s][v], one chain of multiply-adds for each number, s ascending. No number of a result
// depends on where the tile's borders lie, so any tiling, any batch and any split over threads gives the same bits.
//
// Shapes: a(r, s) = a[r·ROW_STEP + s·STEP], broadcast; b[s] = PANEL contiguous numbers, the next s PANEL further on.
#pragma once
#include "../core/work.hpp"
#include "simd.hpp"

namespace backlit::BACKLIT_ISA_NAME {

template <class T, int ROWS, int VECTORS>
struct Tile {
  Vec<T> at[ROWS][VECTORS];
};

template <int ROW_STEP, int STEP, class T, int ROWS, int VECTORS>
INLINE void multiply_add(Tile<T, ROWS, VECTORS>& tile, const T* a, const T* b, int steps) {
  for (int s = 0; s < steps; ++s) {
    Vec<T> row[VECTORS];
    UNROLL
    for (int v = 0; v < VECTORS; ++v) row[v] = load(b + v * LANES<T>);
    UNROLL
    for (int r = 0; r < ROWS; ++r) {
      const Vec<T> x = set(a[r * ROW_STEP]);
      UNROLL
      for (int v = 0; v < VECTORS; ++v) tile.at[r][v] = fma(x, row[v], tile.at[r][v]);
    }
    a += STEP;
    b += PANEL<T>;
  }
}

// Feed forward and BP2: a is (m, inner) in panels, `a` its first row of this tile; b one panel of (inner, columns).
template <class T, int ROWS, int VECTORS>
INLINE void multiply_rows(Tile<T, ROWS, VECTORS>& tile, const T* a, std::ptrdiff_t a_stride, const T* b, int inner) {
  for (; inner > PANEL<T>; inner -= PANEL<T>, a += a_stride, b += PANEL<T> * PANEL<T>)
    multiply_add<PANEL<T>, 1>(tile, a, b, PANEL<T>);
  multiply_add<PANEL<T>, 1>(tile, a, b, inner);
}

// BP4: the sum runs over the batch; `a` is (m, inputs), at this tile's first input; b one panel of (m, neurons).
template <class T, int ROWS, int VECTORS>
INLINE void multiply_columns(Tile<T, ROWS, VECTORS>& tile, const T* a, const T* b, int m) {
  multiply_add<1, PANEL<T>>(tile, a, b, m);
}

template <class T, int ROWS, int VECTORS>
INLINE void clear(Tile<T, ROWS, VECTORS>& tile) {
  UNROLL
  for (int r = 0; r < ROWS; ++r)
    UNROLL
    for (int v = 0; v < VECTORS; ++v) tile.at[r][v] = set(T(0));
}

// `count` rows cut into tiles of nearly one height, none above MAX_ROWS.
struct Cut {
  int count, tiles;
  explicit Cut(int rows) : count(rows), tiles((rows + MAX_ROWS - 1) / MAX_ROWS) {}
  int begin(int tile) const { return int(std::int64_t(count) * tile / tiles); }
};

// Calls f.run<ROWS, VECTORS>() for a number of rows known only now.
template <int ROWS, class F>
INLINE void with_rows_from(int rows, bool two, F& f) {
  if (rows == ROWS) {
    if (two)
      f.template run<ROWS, 2>();
    else
      f.template run<ROWS, 1>();
  } else if constexpr (ROWS > 1) {
    with_rows_from<ROWS - 1>(rows, two, f);
  }
}
template <class F>
INLINE void with_shape(int rows, bool two, F& f) {
  with_rows_from<MAX_ROWS>(rows, two, f);
}

constexpr int up(int n, int unit) { return (n + unit - 1) / unit; }

}  // namespace backlit::BACKLIT_ISA_NAME
