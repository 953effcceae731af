// The one matrix product: a tile of ROWS rows × VECTORS vectors (at most a panel wide) that stays in registers.
//
// tile[r][v] = Σ_s a(r, s) · b[s][v], s ascending: in feed forward and BP2 a chain of multiply-adds for each CHAIN
// of s, and the chains added up in their order, which rounds less than one long chain; in BP4 one chain. No number of
// a result depends on where the tile's borders lie, so any tiling, any batch and any split over threads gives the same bits.
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

template <class T, int ROWS, int VECTORS>
INLINE void load_tile(Tile<T, ROWS, VECTORS>& tile, const T* from) {
  UNROLL
  for (int r = 0; r < ROWS; ++r)
    UNROLL
    for (int v = 0; v < VECTORS; ++v) tile.at[r][v] = load(from + r * PANEL<T> + v * LANES<T>);
}
template <class T, int ROWS, int VECTORS>
INLINE void add_tile(Tile<T, ROWS, VECTORS>& tile, const T* from) {
  UNROLL
  for (int r = 0; r < ROWS; ++r)
    UNROLL
    for (int v = 0; v < VECTORS; ++v) tile.at[r][v] = load(from + r * PANEL<T> + v * LANES<T>) + tile.at[r][v];
}
template <class T, int ROWS, int VECTORS>
INLINE void store_tile(const Tile<T, ROWS, VECTORS>& tile, T* to) {
  UNROLL
  for (int r = 0; r < ROWS; ++r)
    UNROLL
    for (int v = 0; v < VECTORS; ++v) store(to + r * PANEL<T> + v * LANES<T>, tile.at[r][v]);
}

constexpr int up(int n, int unit) { return (n + unit - 1) / unit; }

// How many vectors of a panel hold columns, of a matrix of `columns`.
template <class T>
INLINE int vectors_in(int columns, int panel) {
  const int left = columns - panel * PANEL<T>;
  return left >= PANEL<T> ? WIDTH : up(left, LANES<T>);
}

// `count` rows cut into tiles of nearly one height, none higher than the registers allow.
struct Cut {
  int count, tiles;
  Cut(int rows, int vectors) : count(rows), tiles(up(rows, most_rows(vectors))) {}
  int begin(int tile) const { return int(std::int64_t(count) * tile / tiles); }
};

// Tiles of an (m, columns) matrix, panel after panel; those of a narrow last panel are higher.
template <class T>
struct Tiling {
  int full, per_panel, in_last;  // whole panels, tiles of each, tiles of a last narrow one
  Tiling(int m, int columns)
      : full(columns / PANEL<T>),
        per_panel(Cut(m, WIDTH).tiles),
        in_last(columns % PANEL<T> ? Cut(m, vectors_in<T>(columns, full)).tiles : 0) {}
  int items() const { return full * per_panel + in_last; }
  int panel(int item) const { return item < full * per_panel ? item / per_panel : full; }
  int first_item(int panel) const { return panel * per_panel; }
};

// Calls f.run<ROWS, VECTORS>() for a shape known only now.
template <int ROWS, int VECTORS, class F>
INLINE void with_rows(int rows, F& f) {
  if (rows == ROWS)
    f.template run<ROWS, VECTORS>();
  else if constexpr (ROWS > 1)
    with_rows<ROWS - 1, VECTORS>(rows, f);
}
template <int VECTORS = WIDTH, class F>
INLINE void with_shape(int rows, int vectors, F& f) {
  if (vectors == VECTORS)
    with_rows<most_rows(VECTORS), VECTORS>(rows, f);
  else if constexpr (VECTORS > 1)
    with_shape<VECTORS - 1>(rows, vectors, f);
}

// The part of the next batch's rows that falls to one of `parts` tiles: fetched while the multiplier is busy.
template <class T>
INLINE void fetch_ahead(const Gather<T>& next, int part, int parts) {
  constexpr int LINE = 64 / int(sizeof(T));
  const int lines = up(next.columns, LINE), all = next.m * lines;
  for (int k = int(std::int64_t(all) * part / parts), end = int(std::int64_t(all) * (part + 1) / parts); k < end; ++k) {
    const int i = k / lines;
    __builtin_prefetch(next.rows + (next.order ? next.order[i] : next.first + i) * next.columns + (k % lines) * LINE, 0, 2);
  }
}

// The rows of a product's left side that meet one panel of its right side, the sum cut into blocks short enough for
// that panel's part to stay in the first-level cache while all tiles of these rows go by. Between blocks a tile waits
// in the result's place.
template <class T>
constexpr int CHAIN = 3 * PANEL<T>;  // of the summed index in a block

template <class T, class MakeTile>
INLINE void each_tile(int m, int columns, int inner, const Gather<T>& ahead, int begin, int end, MakeTile make_tile) {
  const Tiling<T> tiling(m, columns);
  while (begin < end) {
    const int panel = tiling.panel(begin), vectors = vectors_in<T>(columns, panel);
    const Cut cut(m, vectors);
    const int first = begin - tiling.first_item(panel);
    const int last = first + (end - begin) < cut.tiles ? first + (end - begin) : cut.tiles;
    const int blocks = up(inner, CHAIN<T>);
    for (int k = 0; k < inner; k += CHAIN<T>)
      for (int t = first; t < last; ++t) {
        if (ahead.m) fetch_ahead(ahead, (begin + t - first) * blocks + k / CHAIN<T>, tiling.items() * blocks);
        const int row = cut.begin(t), rows = cut.begin(t + 1) - row;
        auto tile = make_tile(panel, row, rows, k, k + CHAIN<T> < inner ? k + CHAIN<T> : inner);
        with_shape(rows, vectors, tile);
      }
    begin += last - first;
  }
}

}  // namespace backlit::BACKLIT_ISA_NAME
