// The seam between the passes (compiled once) and the kernels (compiled once an instruction set): what each kernel is
// given, and the table of kernels an instruction set offers. Plain numbers and pointers only.
//
// Panels. Every matrix of a pass lies in panels of `panel` columns (a few vector registers): panel p holds columns
// p·panel … (p+1)·panel - 1, row after row, so that a kernel walks memory in one straight line. Unused lanes of a last
// panel are zero in weights and in δ, and never read elsewhere.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kinds.hpp"

namespace backlit {

// (rows, columns) in panels; `stride` is the distance from one panel to the next, in numbers.
template <class T>
struct Panels {
  T* data = nullptr;
  std::ptrdiff_t stride = 0;
};

// Dropout of one layer at one step: a ← mask ⊙ a · scale.
template <class T>
struct Dropout {
  bool on = false;
  std::uint64_t seed = 0, step = 0, layer = 0;
  std::uint32_t threshold = 0;  // a neuron stays where its number is at least p·2³²
  T scale = 1;                  // 1/(1-p)
};

template <class T>
struct Gather {
  const T* rows = nullptr;             // (all rows, columns) as the user gave them
  const std::int64_t* order = nullptr;  // which rows; null: those from `first` on
  std::int64_t first = 0;
  int m = 0, columns = 0;
  Panels<T> to;  // (m, columns)
};

// A matrix once more, every number as the sum of three of 16 bits, in the orders that a matrix unit wants
// (kernels/amx/split.hpp); null: not wanted.
template <class T>
struct Split {
  int m, columns;
  Panels<const T> from;
  std::uint16_t *rows, *turned, *paired;
};

// z^l = a^{l-1} W^lᵀ + b^l, a^l = σ_l(z^l), then dropout.
template <class T>
struct FeedForward {
  int m, inputs, neurons;
  Panels<const T> a_before;  // (m, inputs)
  const std::uint16_t* a_split;  // its rows, split, for a matrix unit; null: a product of vectors
  const T* weights;          // W^lᵀ in panels: (inputs, neurons)
  std::ptrdiff_t weights_stride;
  const T* bias;  // (neurons,), padded to whole panels
  Activation activation;
  bool keep_z;
  Panels<T> z, sigma, a, mask;  // (m, neurons) each; a and sigma are one where nothing drops
  Dropout<T> dropout;
  Gather<T> ahead;  // rows of the next batch, fetched towards the cache a little at a time; m = 0: none
};

// BP1, and what is known at the output: a^L of softmax, C_i, whether row i is right.
template <class T>
struct OutputError {
  int m, neurons;
  Activation activation;
  Cost cost;
  bool fused;
  Decision decision;
  Panels<const T> z;  // (m, neurons)
  Panels<T> a, delta;
  Panels<const T> y;
  T* row_costs;     // (m,)
  double* row_hits;  // (m,), 1 or 0
};

// BP2: δ^l = pull-back through σ_l of (mask/(1-p) ⊙) δ^{l+1} W^{l+1}.
template <class T>
struct BackpropagateError {
  int m, neurons_next, neurons;
  Panels<const T> delta_next;  // (m, neurons_next)
  const std::uint16_t* delta_split;  // its rows, as feed forward's
  const T* weights_next;       // W^{l+1} in panels: (neurons_next, neurons); its transpose, for a matrix unit
  std::ptrdiff_t weights_stride;
  Activation activation;
  Panels<const T> z, sigma, mask;  // (m, neurons)
  bool dropped;
  T scale;
  Panels<T> delta;  // (m, neurons)
};

// The update's numbers at one step, rounded to T once.
template <class T>
struct Update {
  Rule rule;
  T rate;         // η; adam: η/(1-β₁ᵗ)
  T decay_1;      // μ, ρ or β₁
  T fresh_1;      // 1-ρ or 1-β₁
  T decay_2;      // β₂
  T fresh_2;      // 1-β₂
  T correction;   // 1/√(1-β₂ᵗ)
  T epsilon;      // ε
  T shrink;       // adamw: 1 - η·decay, else 1
};

// BP3, BP4, penalty and update of one layer. `slot` k lies as the weights do.
template <class T>
struct WeightGradient {
  int m, inputs, neurons;
  Panels<const T> delta;     // (m, neurons), weighted by row where rows have weights
  Panels<const T> a_before;  // (m, inputs)
  const std::uint16_t *a_split, *delta_split;  // a turned and δ paired, as feed forward's
  T per_row;                 // 1/m
  T penalty;                 // λ/n, 0 without
  T* weights;                // W^lᵀ in panels: (inputs, neurons)
  std::ptrdiff_t weights_stride;
  T* mirror;  // W^l in panels: (neurons, inputs); null for layer 2, which sends no error further back, and with a unit
  std::ptrdiff_t mirror_stride;
  T* bias;           // (neurons,), padded
  T* slots[2];       // the optimizer's state beside weights …
  T* bias_slots[2];  // … and beside bias
  T* gradient;       // where the gradient is kept, lying as weights; null where the update takes it from registers
  T* bias_gradient;
  T gradient_scale;  // clipping: g ← g · scale, by `update` alone
  T* observed;       // (items, OBSERVED, lanes): what the lens sees of the update; null: nobody looks
  Gather<T> ahead;   // as feed forward's
  Update<T> update;
};

// What the lens keeps of a step (src/backlit/engines/statistics.py says what each sum is).
constexpr int STATISTICS = 16;     // sums of one layer
constexpr int PASS_SUMS = 7;       // of them from z, a and δ, in blocks of MEASURED_ROWS rows: z², |σ'|, saturated, zero,
constexpr int MEASURED_ROWS = 32;  // a², δ², Σ w̃² ‖∇C_x‖²
// Seen by the update: Σ of (∂C/∂W)², W², ΔW², ∂C/∂W ΔW (and of b's), (∂C/∂W)² without the penalty; (∂C/∂b)², b², Δb².
constexpr int OBSERVED = 8;

template <class T>
struct MeasuredLayer {
  int neurons;
  Activation activation;
  T flat;                              // |σ'| below it is saturated
  Panels<const T> z, sigma, a, delta;  // (m, neurons); a after dropout
  T* stirred;  // (blocks, neurons padded): not all bits 0 where the neuron is not saturated in some row of the block
};

template <class T>
struct MeasurePass {
  int m, inputs, layers;
  Panels<const T> x;  // (m, inputs)
  const T* row_weights;
  const MeasuredLayer<T>* layer;
  double* sums;      // room for each block's
  T* row_gradients;  // (m,) ‖∇C_x‖
};

// (rows, columns) row by row, as θ holds W, against the engine's panels.
template <class T>
struct Repack {
  int neurons, inputs;
  T* W;        // (neurons, inputs) row by row
  T* weights;  // Wᵀ in panels
  std::ptrdiff_t weights_stride;
  T* mirror;  // W in panels, or null
  std::ptrdiff_t mirror_stride;
};

// One instruction set's kernels. Each does items begin … end - 1 of its work, which no other item depends on: any
// split over threads gives the same bits. `*_items` says how many there are.
template <class T>
struct Kernels {
  const char* isa;
  int panel;  // columns
  int lanes;  // of a vector

  // With a matrix unit: whether a layer's products go there, and what gives them their operands. Else null.
  bool (*splits)(int m, int inputs, int neurons);
  int (*split_items)(const Split<T>&);
  void (*split)(const Split<T>&, int begin, int end);

  int (*feed_forward_items)(const FeedForward<T>&);
  void (*feed_forward)(const FeedForward<T>&, int begin, int end);
  int (*single_row_items)(const FeedForward<T>&);
  void (*single_row)(const FeedForward<T>&, const T* W, const T* bias, int begin, int end);  // W as θ holds it
  void (*softmax)(int neurons, Panels<const T> z, Panels<T> a, int begin, int end);  // items are rows
  void (*output_error)(const OutputError<T>&, int begin, int end);                    // items are rows
  int (*backpropagate_error_items)(const BackpropagateError<T>&);
  void (*backpropagate_error)(const BackpropagateError<T>&, int begin, int end);
  int (*weight_gradient_items)(const WeightGradient<T>&);
  void (*weight_gradient)(const WeightGradient<T>&, int begin, int end);  // into .gradient, or fused with the update
  void (*update)(const WeightGradient<T>&, int begin, int end);           // from .gradient; items as weight_gradient's
  double (*gradient_square)(const WeightGradient<T>&, int item);          // Σ g² of one item, in float64
  void (*weight_rows)(Panels<const T> delta, const T* row_weights, int m, int columns, Panels<T> weighted);
  int (*measure_pass_items)(const MeasurePass<T>&);
  void (*measure_pass)(const MeasurePass<T>&, int begin, int end);
  void (*finish_pass)(const MeasurePass<T>&, double* layers);              // (layers, STATISTICS)
  void (*add_observed)(const T* observed, int items, double* out);         // (OBSERVED,)
  void (*measure_update)(T* before, const T* after, const T* gradient, std::ptrdiff_t count, double* sums);
  void (*gather)(const Gather<T>&, int begin, int end);  // items are rows
  void (*scatter)(Panels<const T> from, int m, int columns, T* rows);
  int (*repack_items)(const Repack<T>&);
  void (*pack)(const Repack<T>&, int begin, int end);    // θ's W → panels
  void (*unpack)(const Repack<T>&, int begin, int end);  // panels → θ's W
  void (*function)(int which, const T* from, T* to, int count);  // maths, for the tests of its accuracy
  double (*multiply_adds)(std::int64_t repeats);  // flops done by a loop of multiply-adds that stays in registers
};

template <class T>
const Kernels<T>* kernels_v2();
template <class T>
const Kernels<T>* kernels_v3();
template <class T>
const Kernels<T>* kernels_v4();
template <class T>
const Kernels<T>* kernels_amx();
template <class T>
const Kernels<T>* kernels_neon();

}  // namespace backlit
