// What the lens wants to know of a pass, in one sweep over z, σ, a and δ while they are in the cache: sums over a layer,
// ‖a_x‖² and ‖δ_x‖² of each row, and from these ‖∇C_x‖² = Σ_l ‖δ_x‖² (1 + ‖a_x‖²), a of the layer before.
// One item is a block of ROWS rows through all layers. Sums stay in T over a panel's rows, in float64 from there; blocks
// are added up in their order, so any number of threads gives the same bits.
#pragma once
#include "activations.hpp"
#include "panels.hpp"
#include "tile.hpp"

namespace backlit::BACKLIT_ISA_NAME {

constexpr int FOLD = LANES<double>;

// The lanes of a vector as float64, the upper half of a float32 vector added to the lower.
template <class T>
INLINE Vec<double> widen(Vec<T> v) {
  if constexpr (sizeof(T) == sizeof(double)) {
    return v;
  } else {
    typedef T Half __attribute__((vector_size(BYTES / 2)));
    Half low, high;
    std::memcpy(&low, &v, sizeof low);
    std::memcpy(&high, reinterpret_cast<const char*>(&v) + sizeof low, sizeof high);
    return __builtin_convertvector(low, Vec<double>) + __builtin_convertvector(high, Vec<double>);
  }
}

// As many rows as a vector has lanes, each with a vector of partial sums: → a vector with each row's sum.
template <class T>
INLINE Vec<T> row_totals(Vec<T> (&row)[LANES<T>]) {
  transpose_step<T, LANES<T> / 2>(row);
  UNROLL
  for (int half = LANES<T> / 2; half > 0; half /= 2)
    UNROLL
    for (int k = 0; k < half; ++k) row[k] = row[k] + row[k + half];
  return row[0];
}

template <class T>
struct Rows {
  int first, count;  // at most LANES
};

// ‖x‖² of some rows; the padding of x is zero.
template <class T>
INLINE Vec<T> squares_of_rows(Panels<const T> x, int columns, Rows<T> rows) {
  Vec<T> row[LANES<T>];
  for (int i = 0; i < LANES<T>; ++i) row[i] = set(T(0));
  for (int p = 0; p * PANEL<T> < columns; ++p) {
    const T* from = x.data + p * x.stride + std::ptrdiff_t(rows.first) * PANEL<T>;
    for (int i = 0; i < rows.count; ++i, from += PANEL<T>) {
      Vec<T> sum = row[i];
      UNROLL
      for (int v = 0; v < WIDTH; ++v) {
        const Vec<T> at = load(from + v * LANES<T>);
        sum = fma(at, at, sum);
      }
      row[i] = sum;
    }
  }
  return row_totals<T>(row);
}

// The sums of one layer over a block of rows, a vector of float64 each.
struct LayerSums {
  Vec<double> of[PASS_SUMS];
};

template <class T, int VECTORS, bool WHOLE, class Sigma>
INLINE void measure_panel(const MeasuredLayer<T>& w, int p, Rows<T> rows, Vec<T>* row_a, Vec<T>* row_delta, T* stirred,
                          LayerSums& sums, Int<T>& saturated, Int<T>& zero, Sigma) {
  const Vec<T> flat = set(w.flat), nothing = set(T(0));
  const std::ptrdiff_t at = std::ptrdiff_t(rows.first) * PANEL<T>;
  const T *z = w.z.data + p * w.z.stride + at, *sigma = w.sigma.data + p * w.sigma.stride + at,
          *a = w.a.data + p * w.a.stride + at, *delta = w.delta.data + p * w.delta.stride + at;
  Int<T> in_use[VECTORS], alive[VECTORS];
  UNROLL
  for (int v = 0; v < VECTORS; ++v) {
    Int<T> lane{};
    if constexpr (!WHOLE)
      for (int k = 0; k < LANES<T>; ++k) lane[k] = p * PANEL<T> + v * LANES<T> + k;
    in_use[v] = WHOLE ? ~Int<T>{} : lane < (Int<T>{} + w.neurons);
    alive[v] = bits<T>(load(stirred + v * LANES<T>));
  }
  auto counted = [&](Vec<T> x, int v) { return WHOLE ? x : numbers<T>(bits<T>(x) & in_use[v]); };
  Vec<T> z_sum = nothing, slope_sum = nothing;
  for (int i = 0; i < rows.count; ++i, z += PANEL<T>, sigma += PANEL<T>, a += PANEL<T>, delta += PANEL<T>) {
    Vec<T> a_sum = row_a[i], delta_sum = row_delta[i];
    UNROLL
    for (int v = 0; v < VECTORS; ++v) {
      const Vec<T> zs = load(z + v * LANES<T>), ss = load(sigma + v * LANES<T>);
      const Vec<T> z_v = counted(zs, v), a_v = counted(load(a + v * LANES<T>), v), d_v = load(delta + v * LANES<T>);
      const Vec<T> slope = absolute<T>(counted(Sigma::slope(zs, ss), v));
      const Int<T> is_flat = (slope < flat) & in_use[v];
      z_sum = fma(z_v, z_v, z_sum);
      a_sum = fma(a_v, a_v, a_sum);
      delta_sum = fma(d_v, d_v, delta_sum);
      slope_sum = slope_sum + slope;
      saturated = saturated - is_flat;  // a comparison's true is -1
      zero = zero - ((ss == nothing) & in_use[v]);
      alive[v] = alive[v] | (in_use[v] & ~is_flat);
    }
    row_a[i] = a_sum, row_delta[i] = delta_sum;
  }
  UNROLL
  for (int v = 0; v < VECTORS; ++v) store(stirred + v * LANES<T>, numbers<T>(alive[v]));
  sums.of[0] = sums.of[0] + widen<T>(z_sum);
  sums.of[1] = sums.of[1] + widen<T>(slope_sum);
}

template <class T, class Sigma>
void measure_layer(const MeasuredLayer<T>& w, Rows<T> rows, Vec<T>* row_a, Vec<T>* row_delta, T* stirred,
                   LayerSums& sums, Sigma sigma) {
  Int<T> saturated{}, zero{};
  const int whole = w.neurons / PANEL<T>;
  for (int p = 0; p < whole; ++p)
    measure_panel<T, WIDTH, true>(w, p, rows, row_a, row_delta, stirred + p * PANEL<T>, sums, saturated, zero, sigma);
  if (whole * PANEL<T> < w.neurons) {
    T* last = stirred + whole * PANEL<T>;
    const int vectors = vectors_in<T>(w.neurons, whole);
    if (vectors == 1)
      measure_panel<T, 1, false>(w, whole, rows, row_a, row_delta, last, sums, saturated, zero, sigma);
    else if (vectors == 2)
      measure_panel<T, 2, false>(w, whole, rows, row_a, row_delta, last, sums, saturated, zero, sigma);
    else
      measure_panel<T, WIDTH, false>(w, whole, rows, row_a, row_delta, last, sums, saturated, zero, sigma);
  }
  sums.of[2] = sums.of[2] + widen<T>(__builtin_convertvector(saturated, Vec<T>));
  sums.of[3] = sums.of[3] + widen<T>(__builtin_convertvector(zero, Vec<T>));
}

template <class T>
int measure_pass_items(const MeasurePass<T>& w) {
  return up(w.m, MEASURED_ROWS);
}

template <class T>
void measure_pass(const MeasurePass<T>& w, int begin, int end) {
  for (int item = begin; item < end; ++item) {
    const int block = item * MEASURED_ROWS, last = block + MEASURED_ROWS < w.m ? block + MEASURED_ROWS : w.m;
    double* out = w.sums + std::ptrdiff_t(item) * w.layers * PASS_SUMS * FOLD;
    for (int first = block; first < last; first += LANES<T>) {
      const Rows<T> rows{first, last - first < LANES<T> ? last - first : LANES<T>};
      const Vec<T> weight = load_first(w.row_weights + first, rows.count);
      Vec<T> a_before = squares_of_rows<T>(w.x, w.inputs, rows), gradients = set(T(0));
      for (int l = 0; l < w.layers; ++l) {
        const MeasuredLayer<T>& layer = w.layer[l];
        T* stirred = layer.stirred + item * std::ptrdiff_t(up(layer.neurons, PANEL<T>)) * PANEL<T>;
        LayerSums sums;
        Vec<T> row_a[LANES<T>], row_delta[LANES<T>];
        for (int i = 0; i < LANES<T>; ++i) row_a[i] = row_delta[i] = set(T(0));
        for (int k = 0; k < PASS_SUMS; ++k)
          sums.of[k] = first == block ? set(0.0) : load(out + (l * PASS_SUMS + k) * FOLD);
        if (first == block)
          for (int k = 0; k < up(layer.neurons, LANES<T>); ++k) store(stirred + k * LANES<T>, set(T(0)));
        if (layer.activation == Activation::softmax)  // the diagonal of its Jacobian: a (1 - a)
          measure_layer(layer, rows, row_a, row_delta, stirred, sums, Sigmoid<T>{});
        else
          with_activation<T>(layer.activation, [&](auto sigma) {
            measure_layer(layer, rows, row_a, row_delta, stirred, sums, sigma);
          });
        const Vec<T> a = row_totals<T>(row_a), delta = row_totals<T>(row_delta), g = fma(delta, a_before, delta);
        sums.of[4] = sums.of[4] + widen<T>(a);
        sums.of[5] = sums.of[5] + widen<T>(delta);
        sums.of[6] = sums.of[6] + widen<T>(weight * weight * g);
        for (int k = 0; k < PASS_SUMS; ++k) store(out + (l * PASS_SUMS + k) * FOLD, sums.of[k]);
        gradients = gradients + g, a_before = a;
      }
      store_first(w.row_gradients + first, root(gradients), rows.count);
    }
  }
}

// The blocks' sums of each layer added up, in the order of SUMS in src/backlit/engines/statistics.py.
template <class T>
void finish_pass(const MeasurePass<T>& w, double* layers) {
  const int items = measure_pass_items(w), per_item = w.layers * PASS_SUMS * FOLD;
  for (int l = 0; l < w.layers; ++l, layers += STATISTICS) {
    double total[PASS_SUMS] = {};
    for (int item = 0; item < items; ++item) {
      const double* from = w.sums + std::ptrdiff_t(item) * per_item + l * PASS_SUMS * FOLD;
      for (int lane = 0; lane < FOLD; ++lane)
        for (int k = 0; k < PASS_SUMS; ++k) total[k] += from[k * FOLD + lane];
    }
    const int neurons = w.layer[l].neurons, vectors = up(neurons, LANES<T>);
    const std::ptrdiff_t padded = std::ptrdiff_t(up(neurons, PANEL<T>)) * PANEL<T>;
    Int<T> alive{};
    for (int k = 0; k < vectors; ++k) {
      Int<T> stirred{};
      for (int item = 0; item < items; ++item)
        stirred = stirred | bits<T>(load(w.layer[l].stirred + item * padded + k * LANES<T>));
      alive = alive - stirred;
    }
    const Vec<double> lanes = widen<T>(__builtin_convertvector(alive, Vec<T>));
    double living = 0;
    for (int k = 0; k < FOLD; ++k) living += lanes[k];
    const double order[] = {total[0], total[4], total[5], total[1], total[2], total[3], neurons - living};
    for (int k = 0; k < 7; ++k) layers[k] = order[k];
    layers[STATISTICS - 1] = total[6];
  }
}

// What the update's epilogue saw of one layer, block after block: OBSERVED vectors each.
template <class T>
void add_observed(const T* observed, int items, double* out) {
  Vec<double> sums[OBSERVED];
  for (int k = 0; k < OBSERVED; ++k) sums[k] = set(0.0);
  for (int item = 0; item < items; ++item, observed += OBSERVED * LANES<T>)
    UNROLL
    for (int k = 0; k < OBSERVED; ++k) sums[k] = sums[k] + widen<T>(load(observed + k * LANES<T>));
  for (int k = 0; k < OBSERVED; ++k) out[k] = 0;
  for (int lane = 0; lane < FOLD; ++lane)
    for (int k = 0; k < OBSERVED; ++k) out[k] += sums[k][lane];
}

}  // namespace backlit::BACKLIT_ISA_NAME
