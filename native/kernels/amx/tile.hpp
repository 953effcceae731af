// The one matrix product on a matrix unit (AMX): a tile of 16 rows × up to three vectors, in registers of 1 KB.
//
// tile[r][v] = from[r][v] + Σ_s a(r, s) · b[s][v], in steps of 32 of the summed index; in a step the six products of the
// parts in one order for every number, the smallest first. No number depends on where the tile's borders lie.
#pragma once
#include "split.hpp"

namespace backlit::BACKLIT_ISA_NAME {

// All eight registers as 16 rows of 64 bytes, for as long as a kernel runs.
class Tiles {
 public:
  Tiles() {
    struct alignas(64) {
      std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
      std::uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } shape;
    asm volatile("ldtilecfg %0" ::"m"(shape));  // the intrinsic does not say how much it reads
  }
  ~Tiles() { _tile_release(); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

constexpr int CALLS = 6;  // of `meanwhile`, a step

// Registers: sums in 0 to 2, the first part of a in 3, its others in 7, a part of b in 4 to 6.
#define LOAD(tile, from) _tile_loadd(tile, from, 64)
#define LOAD_PART(k)                                         \
  LOAD(4, b + (k) * TILE);                                   \
  if constexpr (VECTORS > 1) LOAD(5, b + PARTS + (k) * TILE); \
  if constexpr (VECTORS > 2) LOAD(6, b + 2 * PARTS + (k) * TILE)
#define MULTIPLY_ADD(a)                               \
  _tile_dpbf16ps(0, a, 4);                            \
  if constexpr (VECTORS > 1) _tile_dpbf16ps(1, a, 5); \
  if constexpr (VECTORS > 2) _tile_dpbf16ps(2, a, 6); \
  FENCE;                                              \
  meanwhile();                                        \
  FENCE
#define FENCE asm volatile("" ::: "memory")  // the compiler does not know that tiles are loaded from memory and stored to it

// `a`: tiles of one line, one step behind the other; `b`: a panel's, likewise. `from_stride` 0: one line for all rows.
// The unit works by itself: `meanwhile` is a little of something else to do between its instructions.
template <int VECTORS, class Meanwhile>
INLINE void multiply(const std::uint16_t* a, const std::uint16_t* b, int steps, const float* from,
                     std::ptrdiff_t from_stride, float* to, Meanwhile& meanwhile) {
  FENCE;
  _tile_loadd(0, from, from_stride * 4);
  if constexpr (VECTORS > 1) _tile_loadd(1, from + LINE, from_stride * 4);
  if constexpr (VECTORS > 2) _tile_loadd(2, from + 2 * LINE, from_stride * 4);
  for (int s = 0; s < steps; ++s, a += PARTS, b += 3 * PARTS) {
    LOAD(3, a);
    LOAD_PART(2);
    MULTIPLY_ADD(3);
    LOAD_PART(1);
    LOAD(7, a + TILE);
    MULTIPLY_ADD(3);
    MULTIPLY_ADD(7);
    LOAD_PART(0);
    MULTIPLY_ADD(7);
    LOAD(7, a + 2 * TILE);
    MULTIPLY_ADD(7);
    MULTIPLY_ADD(3);
  }
  _tile_stored(0, to, PANEL<float> * 4);
  if constexpr (VECTORS > 1) _tile_stored(1, to + LINE, PANEL<float> * 4);
  if constexpr (VECTORS > 2) _tile_stored(2, to + 2 * LINE, PANEL<float> * 4);
  FENCE;
}

// What the unit can do at most: steps of one tile whose operands stay in registers, in flops of float32, each of which
// takes six of bfloat16. Numbers, not zeros: the more bits change, the slower such a unit runs.
inline double multiply_adds_on_tiles(std::int64_t repeats) {
  constexpr int VECTORS = 3;
  alignas(64) std::uint16_t numbers[5 * TILE];
  std::uint32_t random = 1;
  for (std::uint16_t& x : numbers) x = std::uint16_t(0x3f80 | ((random = random * 1664525u + 1013904223u) >> 16 & 0x807f));
  auto meanwhile = [] {};
  const Tiles tiles;
  FENCE;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  LOAD(3, numbers);
  LOAD(4, numbers + TILE);
  LOAD(5, numbers + 2 * TILE);
  LOAD(6, numbers + 3 * TILE);
  LOAD(7, numbers + 4 * TILE);
  for (std::int64_t i = 0; i < repeats; ++i) {
    MULTIPLY_ADD(3);
    MULTIPLY_ADD(7);
  }
  return 2.0 * LINE * PANEL<float> * STEP / 3 * double(repeats);
}
#undef LOAD
#undef LOAD_PART
#undef MULTIPLY_ADD
#undef FENCE

template <class Meanwhile>
INLINE void multiply(int vectors, const std::uint16_t* a, const std::uint16_t* b, int steps, const float* from,
                     std::ptrdiff_t from_stride, float* to, Meanwhile& meanwhile) {
  switch (vectors) {
    case 1: return multiply<1>(a, b, steps, from, from_stride, to, meanwhile);
    case 2: return multiply<2>(a, b, steps, from, from_stride, to, meanwhile);
    default: return multiply<3>(a, b, steps, from, from_stride, to, meanwhile);
  }
}

alignas(64) inline constexpr float ZEROS[PANEL<float>] = {};

}  // namespace backlit::BACKLIT_ISA_NAME
