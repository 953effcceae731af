// BP4, gradient of the weights: ∂C/∂W^l = (1/m) Σ_i w̃_i δ^l_iᵀ a^{l-1}_i, BP3 beside it, the penalty, and the update.
// δ (m, n_l), a (m, n_{l-1}) → W^lᵀ (n_{l-1}, n_l). One item is one block: a panel of inputs × a panel of neurons.
//
// Fused, a gradient tile is applied to W straight from registers (sgd), or, where an optimizer needs so many numbers of
// its own that both do not fit, by way of a block that never leaves the first-level cache. Unfused it is stored, and
// `update` runs the same expression over it later. Afterwards the block of W is copied, turned, to the mirror that BP2
// reads; BP2 of this layer has been done by then, for it needs the W that fed forward.
#pragma once
#include "bias_gradient.hpp"
#include "observed.hpp"
#include "panels.hpp"
#include "tile.hpp"
#include "update.hpp"

#include <type_traits>

namespace backlit::BACKLIT_ISA_NAME {

// What becomes of a gradient tile: stored …
template <class T>
struct Store {
  T* gradient;
  INLINE void operator()(std::ptrdiff_t at, Vec<T> g) const { store(gradient + at, g); }
};
// … or applied.
template <class T, class Updates>
struct Apply {
  Updates update;
  T* weights;
  T* slots[2];
  INLINE void operator()(std::ptrdiff_t at, Vec<T> g) const { apply(at, load(weights + at), g); }
  INLINE Vec<T> apply(std::ptrdiff_t at, Vec<T> before, Vec<T> g) const {
    Vec<T> change;
    store(weights + at, update(before, g, slots[0] + at, slots[1] + at, change));
    return change;
  }
};

// … or applied while the lens looks on.
template <class T, class Updates>
struct Watch {
  Apply<T, Updates> update;
  Looks<T, Updates> look;
  Seen<T>& seen;
  INLINE void operator()(std::ptrdiff_t at, Vec<T> g, Seen<T>& sums) const {
    const Vec<T> before = load(update.weights + at);
    look(before, update.apply(at, before, g), g, sums);
  }
};

template <class Then>
constexpr bool IN_REGISTERS = false;
template <class T>
constexpr bool IN_REGISTERS<Apply<T, Updater<T, Rule::sgd>>> = true;
template <class T>
constexpr bool IN_REGISTERS<Watch<T, Updater<T, Rule::sgd>>> = true;
template <class Then>
constexpr bool WATCHED = false;
template <class T, class Updates>
constexpr bool WATCHED<Watch<T, Updates>> = true;
struct Nothing {};
template <class Then>
using InRegisters = std::conditional_t<IN_REGISTERS<Then>, Then, Nothing>;  // so that the rest share one tile code

// Long sums over the batch are cut into blocks of rows, so that the parts of a and δ in use stay in the first-level
// cache; between blocks a tile waits in `sums`, and its chains go on as if there had been no break.
constexpr int BLOCK_ROWS = 128;

template <class T, class Then>
struct WeightGradientTile {
  const Then& then;
  const T *a, *delta;  // at this block of rows, this tile's first input
  int rows;
  bool first, finish;  // the first block of rows; the last, to be finished in registers
  T per_row;
  T* sums;
  std::ptrdiff_t at;  // of the tile's first number in the weights

  template <int ROWS, int VECTORS>
  INLINE void run() {
    Tile<T, ROWS, VECTORS> tile;
    if (first)
      clear(tile);
    else
      load_tile(tile, sums);
    multiply_columns(tile, a, delta, rows);
    if constexpr (IN_REGISTERS<Then>) {
      if (finish) {
        const Vec<T> scale = set(per_row);
        if constexpr (WATCHED<Then>) {
          Seen<T> seen[VECTORS];  // a chain of sums each, lest the next addition wait for the last
          UNROLL
          for (int r = 0; r < ROWS; ++r)
            UNROLL
            for (int v = 0; v < VECTORS; ++v) then(at + r * PANEL<T> + v * LANES<T>, tile.at[r][v] * scale, seen[v]);
          UNROLL
          for (int v = 0; v < VECTORS; ++v) {
            then.seen.gradient = then.seen.gradient + seen[v].gradient;
            then.seen.theta = then.seen.theta + seen[v].theta;
          }
        } else {
          UNROLL
          for (int r = 0; r < ROWS; ++r)
            UNROLL
            for (int v = 0; v < VECTORS; ++v) then(at + r * PANEL<T> + v * LANES<T>, tile.at[r][v] * scale);
        }
        return;
      }
    }
    store_tile(tile, sums);
  }
};

// The sums of a block made a gradient, penalty and all, and passed on: the same operations as in registers.
template <class T, class Then>
INLINE void finish_block(const WeightGradient<T>& w, const T* sums, std::ptrdiff_t at, int rows, int vectors,
                         const Then& then) {
  const Vec<T> per_row = set(w.per_row), penalty = set(w.penalty);
  const bool penalised = w.penalty != T(0);
  const T* weights = w.weights + at;
  const Then local = then;  // its numbers in registers: nothing that is stored can change them
  [[maybe_unused]] Seen<T> seen;
  for (int r = 0; r < rows; ++r)
    for (int v = 0; v < vectors; ++v) {
      const std::ptrdiff_t offset = r * PANEL<T> + v * LANES<T>;
      Vec<T> g = load(sums + offset) * per_row;
      if (penalised) g = fma(penalty, load(weights + offset), g);
      if constexpr (WATCHED<Then>)
        local(at + offset, g, seen);
      else
        local(at + offset, g);
    }
  if constexpr (WATCHED<Then>) then.seen = seen;
}

struct Block {
  int item, p, q;  // panel of neurons, panel of inputs
  template <class T>
  Block(const WeightGradient<T>& w, int number) : item(number), p(number / up(w.inputs, PANEL<T>)), q(number % up(w.inputs, PANEL<T>)) {}
};

template <class T>
int weight_gradient_items(const WeightGradient<T>& w) {
  return up(w.neurons, PANEL<T>) * up(w.inputs, PANEL<T>);
}

template <class T, class Then>
void gradient_block(const WeightGradient<T>& w, const Block& block, const Then& then) {
  const int first = block.q * PANEL<T>, left = w.inputs - first, vectors = vectors_in<T>(w.neurons, block.p);
  const Cut cut(left < PANEL<T> ? left : PANEL<T>, vectors);
  const std::ptrdiff_t at = block.p * w.weights_stride + std::ptrdiff_t(first) * PANEL<T>;
  const bool in_registers = IN_REGISTERS<Then> && w.penalty == T(0);
  const int blocks = w.m <= BLOCK_ROWS + BLOCK_ROWS / 2 ? 1 : up(w.m, BLOCK_ROWS);
  alignas(BYTES) T sums[PANEL<T> * PANEL<T>];
  const auto& last = [&]() -> const InRegisters<Then>& {
    static constexpr Nothing nothing{};
    if constexpr (IN_REGISTERS<Then>)
      return then;
    else
      return nothing;
  }();
  for (int k = 0; k < blocks; ++k) {
    const int row = int(std::int64_t(w.m) * k / blocks), rows = int(std::int64_t(w.m) * (k + 1) / blocks) - row;
    const T* a = w.a_before.data + block.q * w.a_before.stride + row * PANEL<T>;
    const T* delta = w.delta.data + block.p * w.delta.stride + row * PANEL<T>;
    for (int t = 0; t < cut.tiles; ++t) {
      if (w.ahead.m && k == 0) fetch_ahead(w.ahead, block.item * cut.tiles + t, weight_gradient_items(w) * cut.tiles);
      const int r = cut.begin(t);
      const bool finish = in_registers && k == blocks - 1;
      WeightGradientTile<T, InRegisters<Then>> tile{last, a + r, delta, rows, k == 0, finish, w.per_row, sums + r * PANEL<T>,
                                       at + r * PANEL<T>};
      with_shape(cut.begin(t + 1) - r, vectors, tile);
    }
  }
  if (!in_registers) finish_block(w, sums, at, cut.count, vectors, then);
}

template <class T>
void mirror_block(const WeightGradient<T>& w, const Block& block) {
  if (!w.mirror) return;
  constexpr std::ptrdiff_t SIZE = PANEL<T> * PANEL<T>;
  const int rows = w.inputs - block.q * PANEL<T>, columns = w.neurons - block.p * PANEL<T>;
  transpose_panel_block(w.weights + block.p * w.weights_stride + block.q * SIZE,
                        w.mirror + block.q * w.mirror_stride + block.p * SIZE, rows < PANEL<T> ? rows : PANEL<T>,
                        columns < PANEL<T> ? columns : PANEL<T>);
}

template <class Updates, class T>
INLINE Looks<T, Updates> looks_at_weights(const WeightGradient<T>& w) {
  return {set(w.penalty), w.penalty != T(0)};
}

template <class T>
INLINE void put_all(const WeightGradient<T>& w, int item, const Seen<T>& of_weights, const Seen<T>& of_bias) {
  put(w.observed + std::ptrdiff_t(item) * OBSERVED * LANES<T>, of_weights, of_bias);
}

template <class T>
void weight_gradient(const WeightGradient<T>& w, int begin, int end) {
  if (w.gradient) {
    for (int item = begin; item < end; ++item) {
      const Block block(w, item);
      gradient_block(w, block, Store<T>{w.gradient});
      if (block.q == 0) bias_gradient(w, block.p, [&](std::ptrdiff_t at, Vec<T> g) { store(w.bias_gradient + at, g); });
    }
    return;
  }
  with_rule(w.update, [&](auto update) {
    using Updates = decltype(update);
    const Apply<T, Updates> weights{update, w.weights, {w.slots[0], w.slots[1]}};
    const Apply<T, Updates> bias{update, w.bias, {w.bias_slots[0], w.bias_slots[1]}};
    for (int item = begin; item < end; ++item) {
      const Block block(w, item);
      if (w.observed) {
        Seen<T> seen, of_bias;
        gradient_block(w, block, Watch<T, Updates>{weights, looks_at_weights<Updates>(w), seen});
        const Watch<T, Updates> watch{bias, {set(T(0)), false}, of_bias};
        if (block.q == 0) bias_gradient(w, block.p, [&](std::ptrdiff_t at, Vec<T> g) { watch(at, g, of_bias); });
        put_all(w, item, seen, of_bias);
      } else {
        gradient_block(w, block, weights);
        if (block.q == 0) bias_gradient(w, block.p, bias);
      }
      mirror_block(w, block);
    }
  });
}

// The update alone, from the gradient as stored; clipped where its scale is not 1. The lens sees it as it was before.
template <class T>
void update(const WeightGradient<T>& w, int begin, int end) {
  with_rule(w.update, [&](auto update) {
    using Updates = decltype(update);
    const Vec<T> scale = set(w.gradient_scale);
    const bool clipped = w.gradient_scale != T(1);
    const Apply<T, Updates> weights{update, w.weights, {w.slots[0], w.slots[1]}};
    const Apply<T, Updates> bias{update, w.bias, {w.bias_slots[0], w.bias_slots[1]}};
    const Looks<T, Updates> look_at_weights = looks_at_weights<Updates>(w), look_at_bias{set(T(0)), false};
    for (int item = begin; item < end; ++item) {
      const Block block(w, item);
      Seen<T> seen, of_bias;
      const int first = block.q * PANEL<T>, last = first + PANEL<T> < w.inputs ? first + PANEL<T> : w.inputs;
      auto take = [&](const auto& apply, T* gradient, std::ptrdiff_t at, const auto& looks, Seen<T>& sums) {
        const Vec<T> unclipped = load(gradient + at), before = load(apply.weights + at);
        Vec<T> g = unclipped;
        if (clipped) store(gradient + at, g = g * scale);
        const Vec<T> change = apply.apply(at, before, g);
        if (w.observed) looks(before, change, unclipped, sums);
      };
      const int wide = vectors_in<T>(w.neurons, block.p) * LANES<T>;
      for (int k = first; k < last; ++k)
        for (int v = 0; v < wide; v += LANES<T>)
          take(weights, w.gradient, block.p * w.weights_stride + std::ptrdiff_t(k) * PANEL<T> + v, look_at_weights, seen);
      for (int v = 0; block.q == 0 && v < wide; v += LANES<T>)
        take(bias, w.bias_gradient, block.p * PANEL<T> + v, look_at_bias, of_bias);
      if (w.observed) put_all(w, item, seen, of_bias);
      mirror_block(w, block);
    }
  });
}

// Σ g² of one block, in float64, row after row: what the global norm is made of.
template <class T>
double gradient_square(const WeightGradient<T>& w, int item) {
  const Block block(w, item);
  double lanes[PANEL<T>] = {};
  auto add = [&](const T* g) {
    for (int j = 0; j < PANEL<T>; ++j) lanes[j] += double(g[j]) * double(g[j]);
  };
  const int first = block.q * PANEL<T>, last = first + PANEL<T> < w.inputs ? first + PANEL<T> : w.inputs;
  for (int k = first; k < last; ++k) add(w.gradient + block.p * w.weights_stride + std::ptrdiff_t(k) * PANEL<T>);
  if (block.q == 0) add(w.bias_gradient + block.p * PANEL<T>);
  double total = 0;
  for (int j = 0; j < PANEL<T>; ++j) total += lanes[j];
  return total;
}

}  // namespace backlit::BACKLIT_ISA_NAME
