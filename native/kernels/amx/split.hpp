// A float32 as the sum of three bfloat16, and the three orders in which a matrix unit reads matrices of them.
//
// x = x₁ + x₂ + x₃: x₁ is x cut after 8 significant bits, x₂ what is left cut likewise, x₃ the rest, 24 bits in all, so
// that nothing is lost (below 2⁻¹¹⁰ the last parts are denormal, and taken for zero as everywhere here). Of the nine
// products of two such numbers the six largest are summed; the others come to some 2⁻²¹ of the product at most.
//
// Tiles are 16 rows of 64 bytes. The three parts of a tile lie one behind the other. Numbers outside the matrix are 0.
// - rows:   16 rows × 32 columns; tile (i/16, j/32).                             Left side of feed forward and of BP2.
// - turned: 16 columns × 32 rows, transposed; tile (j/16, i/32).                 Left side of BP4.
// - paired: 32 rows × 16 columns, rows 2t and 2t+1 side by side in line t of a tile; three tiles, a panel, lie together:
//           panel (j/48), then i/32, then the tile of the panel.                 Right side of all.
#pragma once
#include "../panels.hpp"

namespace backlit::BACKLIT_ISA_NAME {

using Bits = Int<float>;
constexpr int LINE = 16;                   // rows of a tile
constexpr int STEP = 32;                   // of the summed index in a tile
constexpr std::ptrdiff_t TILE = 16 * 32;   // numbers of a tile
constexpr std::ptrdiff_t PARTS = 3 * TILE;  // a tile's three parts
static_assert(PANEL<float> == 3 * LINE);

struct Three {
  Bits part[3];  // each in the upper 16 bits of its lane; what lies below is 0 or, in the last, cut off when packed
};

INLINE Three split(Vec<float> x) {
  const Bits upper = bits<float>(set(0.0f)) | std::int32_t(0xffff0000);
  const Bits first = bits<float>(x) & upper;
  const Vec<float> rest = x - numbers<float>(first);
  const Bits second = bits<float>(rest) & upper;
  return {{first, second, bits<float>(rest - numbers<float>(second))}};
}

// The lanes beyond `count` are no numbers of the matrix: what padding holds must not meet the sum.
INLINE Vec<float> first_of(Vec<float> x, int count) {
  return count >= LINE ? x : (Vec<float>)_mm512_maskz_mov_ps(__mmask16((1 << count) - 1), (__m512)x);
}

// Two rows side by side: each lane holds the number of the even row, then that of the odd one.
INLINE Bits pair(Bits even, Bits odd) {
  return (Bits)_mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_srli_epi32((__m512i)even, 16), (__m512i)odd);
}

// 32 numbers of one row, in their order.
INLINE Bits join(Bits left, Bits right) {
  const __m512i upper_halves = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29, 27,
                                                25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
  return (Bits)_mm512_permutex2var_epi16((__m512i)left, upper_halves, (__m512i)right);
}

INLINE void put_line(std::uint16_t* tile, int line, Bits numbers) { std::memcpy(tile + line * STEP, &numbers, sizeof numbers); }

inline int split_items(const Split<float>& w) { return up(w.m, STEP) * up(w.columns, STEP); }

// One item is 32 rows × 32 columns.
inline void split_block(const Split<float>& w, int i, int j) {
  const int blocks = up(w.columns, STEP), row_blocks = up(w.m, STEP);
  alignas(BYTES) float pairs[2][3][LINE * LINE];
  for (int t = 0; t < LINE; ++t) {
    Three even[2], odd[2];
    for (int half = 0; half < 2; ++half) {
      const int column = j * STEP + half * LINE, left = w.columns - column;
      const float* from = w.from.data + column / PANEL<float> * w.from.stride + column % PANEL<float>;
      auto row = [&](int r) {
        if (r >= w.m || left <= 0) return set(0.0f);
        const Vec<float> x = load(from + std::ptrdiff_t(r) * PANEL<float>);
        return first_of(x, left);
      };
      even[half] = split(row(i * STEP + 2 * t)), odd[half] = split(row(i * STEP + 2 * t + 1));
    }
    for (int k = 0; k < 3; ++k) {
      if (w.rows) {
        std::uint16_t* tile = w.rows + ((std::ptrdiff_t(i) * 2 + t / 8) * blocks + j) * PARTS + k * TILE;
        put_line(tile, t % 8 * 2, join(even[0].part[k], even[1].part[k]));
        put_line(tile, t % 8 * 2 + 1, join(odd[0].part[k], odd[1].part[k]));
      }
      for (int half = 0; half < 2; ++half) {
        const Bits both = pair(even[half].part[k], odd[half].part[k]);
        if (w.paired) {
          const int tile = j * 2 + half;
          put_line(w.paired + ((std::ptrdiff_t(tile / 3) * row_blocks + i) * 3 + tile % 3) * PARTS + k * TILE, t, both);
        }
        if (w.turned) store(pairs[half][k] + t * LINE, numbers<float>(both));
      }
    }
  }
  if (!w.turned) return;
  for (int half = 0; half < 2; ++half)
    for (int k = 0; k < 3; ++k) {
      Vec<float> line[LINE];
      UNROLL
      for (int t = 0; t < LINE; ++t) line[t] = load(pairs[half][k] + t * LINE);
      transpose_step<float, LINE / 2>(line);
      std::uint16_t* tile = w.turned + (std::ptrdiff_t(j * 2 + half) * row_blocks + i) * PARTS + k * TILE;
      UNROLL
      for (int t = 0; t < LINE; ++t) put_line(tile, t, bits<float>(line[t]));
    }
}

inline void split(const Split<float>& w, int begin, int end) {
  const int blocks = up(w.columns, STEP);
  for (int item = begin; item < end; ++item) split_block(w, item / blocks, item % blocks);
}

// A right side on its way into tiles, a little at each call: Side::piece(n, to) does one piece of a block of a panel.
template <class Side>
class Pieces {
 public:
  // So that `calls` of them do it all.
  void begin(const Side& block, int calls, std::uint16_t* into) {
    side = block, to = into, next = 0, end = block.pieces(), a_call = up(end, calls);
  }
  INLINE void operator()() { advance(a_call); }
  INLINE void rest() { advance(end - next); }

 private:
  INLINE void advance(int pieces) {
    for (; pieces > 0 && next < end; --pieces, ++next) side.piece(next, to);
  }
  Side side;
  std::uint16_t* to = nullptr;
  int next = 0, end = 0, a_call = 1;
};

// A block of a panel of (inner, columns): `steps` tiles for each of its vectors, from row `first` on.
struct AsItLies {
  const float* panels;  // b_stride apart
  std::ptrdiff_t stride;
  int inner, panel, vectors, first, steps;

  int pieces() const { return steps * LINE; }

  // Two rows.
  INLINE void piece(int n, std::uint16_t* to) {
    const int r = first * STEP + 2 * n;
    const float* from = panels + panel * stride + std::ptrdiff_t(r) * PANEL<float>;
    for (int v = 0; v < vectors; ++v) {
      const Three even = split(r < inner ? load(from + v * LINE) : set(0.0f));
      const Three odd = split(r + 1 < inner ? load(from + PANEL<float> + v * LINE) : set(0.0f));
      UNROLL
      for (int k = 0; k < 3; ++k)
        put_line(to + (n / LINE * 3 + v) * PARTS + k * TILE, n % LINE, pair(even.part[k], odd.part[k]));
    }
  }
};

// The same from the transpose, (columns, inner) in panels: BP2 multiplies by W, and θ lies as Wᵀ.
struct Turned {
  const float* panels;
  std::ptrdiff_t stride;
  int inner, panel, vectors, first, steps;
  float parts[3][LINE * LINE] = {};

  int pieces() const { return steps * vectors * 4; }

  // A tile takes four: its numbers split, then each of the parts turned.
  INLINE void piece(int n, std::uint16_t* to) {
    const int tile = n / 4, s = tile / vectors, v = tile % vectors, k = n % 4 - 1;
    if (k < 0) {
      const int j = (first + s) * STEP;  // of the summed index: columns here
      const float *left = column(j, v), *right = column(j + LINE, v);
      for (int i = 0; i < LINE; ++i) {
        const Three a = split(left ? first_of(load(left + i * PANEL<float>), inner - j) : set(0.0f));
        const Three b = split(right ? first_of(load(right + i * PANEL<float>), inner - j - LINE) : set(0.0f));
        UNROLL
        for (int part = 0; part < 3; ++part) store(parts[part] + i * LINE, numbers<float>(join(a.part[part], b.part[part])));
      }
    } else {
      Vec<float> line[LINE];
      UNROLL
      for (int t = 0; t < LINE; ++t) line[t] = load(parts[k] + t * LINE);
      transpose_step<float, LINE / 2>(line);
      UNROLL
      for (int t = 0; t < LINE; ++t) put_line(to + (s * 3 + v) * PARTS + k * TILE, t, bits<float>(line[t]));
    }
  }
  INLINE const float* column(int j, int v) const {
    if (j >= inner) return nullptr;
    return panels + j / PANEL<float> * stride + j % PANEL<float> + std::ptrdiff_t(panel * PANEL<float> + v * LINE) * PANEL<float>;
  }
};

}  // namespace backlit::BACKLIT_ISA_NAME
