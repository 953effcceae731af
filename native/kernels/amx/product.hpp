// Feed forward and BP2 on a matrix unit: (m, inner) · (inner, columns), an item being 16 rows × a panel of columns.
//
// The left side has been split before; the right side, θ, is split here, into the thread's own scratch, a block of a panel at
// a time and one block ahead: the unit multiplies by this one while the vector unit splits the next. Between the blocks
// of one panel a tile waits in the result's place.
#pragma once
#include "tile.hpp"

namespace backlit::BACKLIT_ISA_NAME {

constexpr int BLOCK_STEPS = 16;
constexpr std::ptrdiff_t BLOCK = BLOCK_STEPS * 3 * PARTS;

struct Product {
  int m, inner, columns;
  const std::uint16_t* a;  // rows
  const float* b;          // in panels, b_stride apart: (inner, columns), or (columns, inner) where Side is Turned
  std::ptrdiff_t b_stride;
  const float* start;  // (columns,) what each row's sum begins with; null: 0
  Panels<float> to;    // with room for whole tiles
  const Gather<float>* ahead;
};

inline int product_items(int m, int columns) { return up(m, LINE) * up(columns, PANEL<float>); }

// `finish(panel, row, rows, vectors)` is called for each tile that has all of its sum.
template <class Side, class Finish>
INLINE void product(const Product& w, int begin, int end, Finish finish) {
  alignas(64) static thread_local std::uint16_t scratch[2 * BLOCK];
  const Tiles tiles;
  const int lines = up(w.m, LINE), steps = up(w.inner, STEP);
  const int blocks = up(steps, BLOCK_STEPS);
  std::uint16_t *b = scratch, *b_next = b + BLOCK;
  Pieces<Side> pieces;
  auto split_block = [&](int k, int panel, int calls, std::uint16_t* to) {
    const int first = steps * k / blocks, count = steps * (k + 1) / blocks - first;
    pieces.begin(Side{w.b, w.b_stride, w.inner, panel, vectors_in<float>(w.columns, panel), first, count}, calls, to);
  };
  if (begin < end) split_block(0, begin / lines, 1, b), pieces.rest();
  for (int k = 0; k < blocks; ++k) {
    const int first = steps * k / blocks, count = steps * (k + 1) / blocks - first;
    for (int item = begin; item < end;) {
      const int panel = item / lines, vectors = vectors_in<float>(w.columns, panel);
      const int stop = (panel + 1) * lines < end ? (panel + 1) * lines : end;
      const int calls = (stop - item) * count * CALLS;
      if (stop < end)
        split_block(k, panel + 1, calls, b_next);
      else if (k + 1 < blocks)
        split_block(k + 1, begin / lines, calls, b_next);
      for (; item < stop; ++item) {
        const int line = item - panel * lines, row = line * LINE, rows = w.m - row < LINE ? w.m - row : LINE;
        float* to = w.to.data + panel * w.to.stride + row * PANEL<float>;
        if (w.ahead && w.ahead->m) fetch_ahead(*w.ahead, item * blocks + k, product_items(w.m, w.columns) * blocks);
        multiply(vectors, w.a + (std::ptrdiff_t(line) * steps + first) * PARTS, b, count,
                 k ? to : w.start ? w.start + panel * PANEL<float> : ZEROS, k ? PANEL<float> : 0, to, pieces);
        if (k == blocks - 1) finish(panel, row, rows, vectors);
      }
      pieces.rest();
      std::swap(b, b_next);
    }
  }
}

}  // namespace backlit::BACKLIT_ISA_NAME
