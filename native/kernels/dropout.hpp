// Dropout: a ← mask ⊙ a / (1-p), the masks computed where they are used, the same as randomness.py draws.
// Row i, neuron j takes the 32-bit number j mod 8 of block i·⌈n/8⌉ + ⌊j/8⌋.
#pragma once
#include "../core/philox.hpp"
#include "../core/work.hpp"
#include "tile.hpp"

namespace backlit::BACKLIT_ISA_NAME {

constexpr int MASKS_IN_A_BLOCK = 8;
constexpr std::uint64_t DROPOUT = 2;  // the purpose, second word of the key

template <class T>
INLINE Vec<T> drop(Vec<T> values, Vec<T> mask, Vec<T> scale) {
  return mask > set(T(0)) ? values * scale : set(T(0));
}

// mask ← 1 for each neuron of one panel that stays in one row, else 0.
template <class T>
void mask_of_row(const Dropout<T>& dropout, int neurons, int row, int first, T* mask) {
  const std::uint64_t blocks = std::uint64_t(up(neurons, MASKS_IN_A_BLOCK));
  for (int j = 0; j < PANEL<T>;) {
    const int neuron = first + j, within = neuron % MASKS_IN_A_BLOCK;
    const std::uint64_t block = row * blocks + neuron / MASKS_IN_A_BLOCK;
    // the block numbered 0 stands at counter 1: NumPy's generator steps before it computes
    const PhiloxBlock random = philox(dropout.seed, DROPOUT, block + 1, 0, dropout.layer, dropout.step);
    for (int k = within; k < MASKS_IN_A_BLOCK && j < PANEL<T>; ++k, ++j)
      mask[j] = std::uint32_t(random.words[k / 2] >> (32 * (k % 2))) >= dropout.threshold ? T(1) : T(0);
  }
}

template <class T>
void drop_tile(const FeedForward<T>& w, int panel, int row, int rows) {
  for (int i = row; i < row + rows; ++i) {
    const std::ptrdiff_t offset = i * PANEL<T>;
    T* mask = w.mask.data + panel * w.mask.stride + offset;
    mask_of_row(w.dropout, w.neurons, i, panel * PANEL<T>, mask);
    for (int v = 0; v < PANEL<T>; v += LANES<T>) {
      const Vec<T> sigma = load(w.sigma.data + panel * w.sigma.stride + offset + v);
      store(w.a.data + panel * w.a.stride + offset + v, drop<T>(sigma, load(mask + v), set(w.dropout.scale)));
    }
  }
}

}  // namespace backlit::BACKLIT_ISA_NAME
