// BP4 on a matrix unit: Σ_i δ^l_iᵀ a^{l-1}_i of a block, 16 inputs × a panel of neurons at a time. While the unit sums one tile,
// the vector unit makes the tile before a gradient and does with it what is to be done: stores it, or updates θ.
#pragma once
#include "../weight_gradient.hpp"
#include "tile.hpp"

namespace backlit::BACKLIT_ISA_NAME {

template <class Then>
struct Finishing {
  const Then then;
  const Vec<float> per_row, penalty;
  const bool penalised;
  const float* weights;
  const float* sums = nullptr;
  std::ptrdiff_t at = 0;  // of the tile in the weights
  int next = 0, end = 0, a_call = 1;  // vectors: a tile's lie one behind the other, in the weights as in its sums
  Seen<float> seen;

  Finishing(const WeightGradient<float>& w, const Then& then_)
      : then(then_), per_row(set(w.per_row)), penalty(set(w.penalty)), penalised(w.penalty != 0), weights(w.weights) {}

  void begin(const float* tile, std::ptrdiff_t place, int rows, int calls) {
    sums = tile, at = place, next = 0, end = rows * WIDTH, a_call = up(end, calls);
  }
  INLINE void operator()() { advance(a_call); }
  INLINE void rest() { advance(end - next); }

  INLINE void advance(int vectors) {
    for (; vectors > 0 && next < end; --vectors, ++next) {
      const std::ptrdiff_t offset = next * LANES<float>;
      Vec<float> g = load(sums + offset) * per_row;
      if (penalised) g = fma(penalty, load(weights + at + offset), g);
      if constexpr (WATCHED<Then>)
        then(at + offset, g, seen);
      else
        then(at + offset, g);
    }
  }
};

// `done(block, seen)` when all of a block has been finished.
template <class Then, class Done>
void gradient_tiles(const WeightGradient<float>& w, int begin, int end, const Then& then, Done done) {
  const Tiles tiles;
  const int steps = up(w.m, STEP);
  alignas(BYTES) float sums[2][LINE * PANEL<float>] = {};
  int turn = 0;
  Finishing<Then> finishing(w, then);
  for (int item = begin; item < end; ++item) {
    const Block block(w, item);
    const int first = block.q * PANEL<float>, left = w.inputs - first, rows = left < PANEL<float> ? left : PANEL<float>;
    const int vectors = vectors_in<float>(w.neurons, block.p), lines = up(rows, LINE);
    const std::uint16_t* a = w.a_split + std::ptrdiff_t(block.q) * 3 * steps * PARTS;
    const std::uint16_t* delta = w.delta_split + std::ptrdiff_t(block.p) * steps * 3 * PARTS;
    for (int r = 0; r < lines; ++r) {
      float* tile = sums[turn ^= 1];
      if (vectors < WIDTH) std::memset(tile, 0, sizeof sums[0]);
      if (w.ahead.m) fetch_ahead(w.ahead, item * 3 + r, weight_gradient_items(w) * 3);
      multiply(vectors, a + r * steps * PARTS, delta, steps, ZEROS, 0, tile, finishing);
      finishing.rest();
      if (r == 0 && item > begin) done(Block(w, item - 1), finishing.seen), finishing.seen = {};
      finishing.begin(tile, block.p * w.weights_stride + std::ptrdiff_t(first + r * LINE) * PANEL<float>,
                      rows - r * LINE < LINE ? rows - r * LINE : LINE, steps * CALLS);
    }
  }
  finishing.rest();
  if (begin < end) done(Block(w, end - 1), finishing.seen);
}

inline void gradient_on_tiles(const WeightGradient<float>& w, int begin, int end) {
  if (w.gradient)
    return gradient_tiles(w, begin, end, Store<float>{w.gradient}, [&](const Block& block, const Seen<float>&) {
      if (block.q == 0) bias_gradient(w, block.p, [&](std::ptrdiff_t at, Vec<float> g) { store(w.bias_gradient + at, g); });
    });
  with_rule(w.update, [&](auto update) {
    using Updates = decltype(update);
    const Apply<float, Updates> weights{update, w.weights, {w.slots[0], w.slots[1]}};
    const Apply<float, Updates> bias{update, w.bias, {w.bias_slots[0], w.bias_slots[1]}};
    if (w.observed) {
      Seen<float> none;
      const Watch<float, Updates> watch{weights, looks_at_weights<Updates>(w), none};
      gradient_tiles(w, begin, end, watch, [&](const Block& block, const Seen<float>& seen) {
        Seen<float> of_bias;
        const Watch<float, Updates> watch_bias{bias, {set(0.0f), false}, of_bias};
        if (block.q == 0) bias_gradient(w, block.p, [&](std::ptrdiff_t at, Vec<float> g) { watch_bias(at, g, of_bias); });
        put_all(w, block.item, seen, of_bias);
      });
    } else {
      gradient_tiles(w, begin, end, weights, [&](const Block& block, const Seen<float>&) {
        if (block.q == 0) bias_gradient(w, block.p, bias);
      });
    }
  });
}

}  // namespace backlit::BACKLIT_ISA_NAME
