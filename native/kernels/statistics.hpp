// What the lens wants to know of a pass, in one sweep over z, σ, a and δ while they are in the cache: sums over a layer,
// ‖a_x‖² and ‖δ_x‖² of each row, and from these ‖∇C_x‖² = Σ_l ‖δ_x‖² (1 + ‖a_x‖²), a of the layer before.
// One item is a block of MEASURED_ROWS rows through all layers. Sums stay in T over a panel's rows, in float64 from
// there; blocks are added up in their order, so any number of threads gives the same bits.
#pragma once
#include "activations.hpp"
#include "panels.hpp"
#include "tile.hpp"

#include <type_traits>

namespace backlit::BACKLIT_ISA_NAME {

constexpr int FOLD = LANES<double>;

// The lanes of a vector as float64, the upper half of a float32 vector added to the lower.
INLINE Vec<double> widen(Vec<double> v) { return v; }
#if defined(__AVX512F__)
INLINE Vec<double> widen(Vec<float> v) {
  return (Vec<double>)_mm512_cvtps_pd(_mm512_castps512_ps256((__m512)v)) +
         (Vec<double>)_mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)v, 1));
}
#elif defined(__AVX2__)
INLINE Vec<double> widen(Vec<float> v) {
  return (Vec<double>)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)v)) +
         (Vec<double>)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)v, 1));
}
#elif defined(__x86_64__)
INLINE Vec<double> widen(Vec<float> v) {
  return (Vec<double>)_mm_cvtps_pd((__m128)v) + (Vec<double>)_mm_cvtps_pd(_mm_movehl_ps((__m128)v, (__m128)v));
}
#else
INLINE Vec<double> widen(Vec<float> v) {
  return (Vec<double>)vcvt_f64_f32(vget_low_f32((float32x4_t)v)) + (Vec<double>)vcvt_high_f64_f32((float32x4_t)v);
}
#endif

// Two vectors made one that holds the sums of lanes j and j + D of each: a's where bit D of the lane is 0, b's where not.
template <class T, int D, std::size_t... J>
INLINE Vec<T> add_halves(Vec<T> a, Vec<T> b, std::index_sequence<J...>) {
  constexpr int N = LANES<T>;
  return __builtin_shufflevector(a, b, ((J & D) ? int(J) + N : int(J))...) +
         __builtin_shufflevector(a, b, ((J & D) ? int(J) - D + N : int(J) + D)...);
}

// As many rows as a vector has lanes, each with a vector of partial sums: → a vector with each row's sum.
template <class T, int D = LANES<T> / 2>
INLINE Vec<T> row_totals(Vec<T>* row) {
  UNROLL
  for (int i = 0; i < D; ++i) row[i] = add_halves<T, D>(row[i], row[i + D], std::make_index_sequence<LANES<T>>{});
  if constexpr (D > 1)
    return row_totals<T, D / 2>(row);
  else
    return row[0];
}

template <class T>
INLINE Vec<T> all_of(Vec<T>* row) {
  UNROLL
  for (int half = LANES<T> / 2; half > 0; half /= 2)
    UNROLL
    for (int k = 0; k < half; ++k) row[k] = row[k] + row[k + half];
  return row[0];
}

struct Rows {
  int first, count;  // at most MEASURED_ROWS
};

template <int VECTORS, class F>
INLINE void with_vectors(int vectors, F f) {
  if (vectors == VECTORS)
    f(std::integral_constant<int, VECTORS>{});
  else if constexpr (VECTORS > 1)
    with_vectors<VECTORS - 1>(vectors, f);
}

// A vector of partial sums for each row of a block. The first panel writes over what is there, and `finish` says that
// there are no more rows than so many: those that fill up the last vector of rows are zero.
template <class T>
struct RowSums {
  Vec<T> of[MEASURED_ROWS];
  INLINE void finish(int count) {
    for (; count % LANES<T>; ++count) of[count] = set(T(0));
  }
};
template <class T>
constexpr RowSums<T> NOTHING_YET{};

template <class T>
INLINE const Vec<T>* sums_before(int panel, const RowSums<T>& sums) {
  return panel == 0 ? NOTHING_YET<T>.of : sums.of;
}

// ‖x‖² of some rows; the padding of x is zero.
template <class T>
INLINE void add_squares(Panels<const T> x, int columns, Rows rows, RowSums<T>& sums) {
  for (int p = 0; p * PANEL<T> < columns; ++p)
    with_vectors<WIDTH>(vectors_in<T>(columns, p), [&](auto vectors) {
      constexpr int VECTORS = decltype(vectors)::value;
      const T* from = x.data + p * x.stride + std::ptrdiff_t(rows.first) * PANEL<T>;
      const Vec<T>* before = sums_before(p, sums);
      for (int i = 0; i < rows.count; ++i, from += PANEL<T>) {
        Vec<T> sum = before[i];
        UNROLL
        for (int v = 0; v < VECTORS; ++v) sum = fma(load(from + v * LANES<T>), load(from + v * LANES<T>), sum);
        sums.of[i] = sum;
      }
    });
  sums.finish(rows.count);
}

// The sums of one layer over a block of rows, a vector of float64 each, in the order of PASS_SUMS.
struct LayerSums {
  Vec<double> of[PASS_SUMS];
  LayerSums() {
    for (Vec<double>& sum : of) sum = set(0.0);
  }
};

template <class Sigma>
constexpr bool IS_RELU = false;
template <class T>
constexpr bool IS_RELU<Relu<T>> = true;

// Some rows of a panel. Lanes beyond the layer's neurons count for nothing: WHOLE says that there are none. Of relu,
// σ is had from z sooner than from memory; flat, zero and not above zero are one, and the slopes are the rest, as
// `finish_pass` knows.
template <class T, int VECTORS, bool WHOLE, bool DROPS, class Sigma>
INLINE void measure_panel(const MeasuredLayer<T>& w, int p, Rows rows, RowSums<T>& of_a, RowSums<T>& of_delta,
                          T* stirred, LayerSums& sums, Int<T>& saturated, Int<T>& zero) {
  const Vec<T> flat = set(w.flat), nothing = set(T(0));
  const Int<T> one = Int<T>{} + 1;
  const std::ptrdiff_t at = std::ptrdiff_t(rows.first) * PANEL<T>;
  const T *z = w.z.data + p * w.z.stride + at, *sigma = w.sigma.data + p * w.sigma.stride + at,
          *a = w.a.data + p * w.a.stride + at, *delta = w.delta.data + p * w.delta.stride + at;
  Int<T> in_use[VECTORS], flats[VECTORS], zeros[VECTORS];
  Vec<T> z_sum[VECTORS], slope_sum[VECTORS];
  UNROLL
  for (int v = 0; v < VECTORS; ++v) {
    Int<T> lane{};
    if constexpr (!WHOLE)
      for (int k = 0; k < LANES<T>; ++k) lane[k] = p * PANEL<T> + v * LANES<T> + k;
    in_use[v] = WHOLE ? ~Int<T>{} : lane < (Int<T>{} + w.neurons);
    flats[v] = zeros[v] = Int<T>{};
    z_sum[v] = slope_sum[v] = nothing;
  }
  auto counted = [&](Vec<T> x, int v) { return WHOLE ? x : numbers<T>(bits<T>(x) & in_use[v]); };
  const Vec<T>*a_before = sums_before(p, of_a), *delta_before = sums_before(p, of_delta);
  for (int i = 0; i < rows.count; ++i, z += PANEL<T>, sigma += PANEL<T>, a += PANEL<T>, delta += PANEL<T>) {
    Vec<T> a_sum = a_before[i], delta_sum = delta_before[i];
    UNROLL
    for (int v = 0; v < VECTORS; ++v) {
      const Vec<T> zs = load(z + v * LANES<T>), ss = IS_RELU<Sigma> ? Sigma::value(zs) : load(sigma + v * LANES<T>);
      const Vec<T> z_v = counted(zs, v), d_v = load(delta + v * LANES<T>);
      const Vec<T> a_v = counted(DROPS ? load(a + v * LANES<T>) : ss, v);
      z_sum[v] = fma(z_v, z_v, z_sum[v]);
      a_sum = fma(a_v, a_v, a_sum);
      delta_sum = fma(d_v, d_v, delta_sum);
      if constexpr (IS_RELU<Sigma>) {
        flats[v] = z_v > nothing ? flats[v] : flats[v] + one;
      } else {
        const Vec<T> slope = absolute<T>(counted(Sigma::slope(zs, ss), v));
        slope_sum[v] = slope_sum[v] + slope;
        flats[v] = slope < flat ? flats[v] + one : flats[v];
        zeros[v] = ss == nothing ? zeros[v] + one : zeros[v];
      }
    }
    of_a.of[i] = a_sum, of_delta.of[i] = delta_sum;
  }
  Vec<T> z_all = nothing, slope_all = nothing;
  UNROLL
  for (int v = 0; v < VECTORS; ++v) {
    const Int<T> stirs = flats[v] != Int<T>{} + rows.count;
    store(stirred + v * LANES<T>, numbers<T>(stirs & in_use[v]));
    z_all = z_all + z_sum[v], slope_all = slope_all + counted(slope_sum[v], v);
    saturated = saturated + (flats[v] & in_use[v]), zero = zero + (zeros[v] & in_use[v]);
  }
  sums.of[0] = sums.of[0] + widen(z_all);
  if constexpr (!IS_RELU<Sigma>) sums.of[1] = sums.of[1] + widen(slope_all);
}

template <class T, class Sigma>
void measure_layer(const MeasuredLayer<T>& w, Rows rows, RowSums<T>& of_a, RowSums<T>& of_delta, T* stirred,
                   LayerSums& sums) {
  Int<T> saturated{}, zero{};
  for (int p = 0; p * PANEL<T> < w.neurons; ++p, stirred += PANEL<T>)
    with_vectors<WIDTH>(vectors_in<T>(w.neurons, p), [&](auto vectors) {
      constexpr int VECTORS = decltype(vectors)::value;
      const bool whole = w.neurons - p * PANEL<T> >= VECTORS * LANES<T>;
      auto measure = [&](auto all, auto drops) {
        measure_panel<T, VECTORS, decltype(all)::value, decltype(drops)::value, Sigma>(w, p, rows, of_a, of_delta,
                                                                                       stirred, sums, saturated, zero);
      };
      const std::true_type yes;
      const std::false_type no;
      if (w.a.data != w.sigma.data)
        whole ? measure(yes, yes) : measure(no, yes);
      else
        whole ? measure(yes, no) : measure(no, no);
    });
  sums.of[2] = widen(__builtin_convertvector(saturated, Vec<T>));
  of_a.finish(rows.count), of_delta.finish(rows.count);
  if constexpr (!IS_RELU<Sigma>) sums.of[3] = widen(__builtin_convertvector(zero, Vec<T>));
}

template <class T>
int measure_pass_items(const MeasurePass<T>& w) {
  return up(w.m, MEASURED_ROWS);
}

template <class T>
void measure_pass(const MeasurePass<T>& w, int begin, int end) {
  for (int item = begin; item < end; ++item) {
    const int first = item * MEASURED_ROWS;
    const Rows rows{first, w.m - first < MEASURED_ROWS ? w.m - first : MEASURED_ROWS};
    const int groups = up(rows.count, LANES<T>);
    Vec<T> weight[MEASURED_ROWS / LANES<T>], a_before[MEASURED_ROWS / LANES<T>], gradients[MEASURED_ROWS / LANES<T>];
    RowSums<T> of_x;
    add_squares<T>(w.x, w.inputs, rows, of_x);
    for (int k = 0; k < groups; ++k) {
      const int at = k * LANES<T>, count = rows.count - at < LANES<T> ? rows.count - at : LANES<T>;
      const T* weights = w.row_weights + first + at;
      weight[k] = count == LANES<T> ? load(weights) : load_first(weights, count);
      a_before[k] = row_totals<T>(of_x.of + at), gradients[k] = set(T(0));
    }
    double* out = w.sums + std::ptrdiff_t(item) * w.layers * PASS_SUMS * FOLD;
    for (int l = 0; l < w.layers; ++l, out += PASS_SUMS * FOLD) {
      const MeasuredLayer<T>& layer = w.layer[l];
      T* stirred = layer.stirred + item * std::ptrdiff_t(up(layer.neurons, PANEL<T>)) * PANEL<T>;
      LayerSums sums;
      RowSums<T> of_a, of_delta;
      if (layer.activation == Activation::softmax)  // the diagonal of its Jacobian: a (1 - a)
        measure_layer<T, Sigmoid<T>>(layer, rows, of_a, of_delta, stirred, sums);
      else
        with_activation<T>(layer.activation, [&](auto sigma) {
          measure_layer<T, decltype(sigma)>(layer, rows, of_a, of_delta, stirred, sums);
        });
      for (int k = 0; k < groups; ++k) {
        // Of the output no row's a is needed on its own: added as they are, they take no turning.
        Vec<T>* of_row = of_a.of + k * LANES<T>;
        const Vec<T> a = l + 1 < w.layers ? row_totals<T>(of_row) : all_of<T>(of_row);
        const Vec<T> delta = row_totals<T>(of_delta.of + k * LANES<T>), g = fma(delta, a_before[k], delta);
        sums.of[4] = sums.of[4] + widen(a);
        sums.of[5] = sums.of[5] + widen(delta);
        sums.of[6] = sums.of[6] + widen(weight[k] * weight[k] * g);
        gradients[k] = gradients[k] + g, a_before[k] = a;
      }
      for (int k = 0; k < PASS_SUMS; ++k) store(out + k * FOLD, sums.of[k]);
    }
    for (int k = 0; k < groups; ++k) {
      const int at = k * LANES<T>, count = rows.count - at < LANES<T> ? rows.count - at : LANES<T>;
      T* to = w.row_gradients + first + at;
      count == LANES<T> ? store(to, root(gradients[k])) : store_first(to, root(gradients[k]), count);
    }
  }
}

// The blocks' sums of each layer added up, in the order of SUMS in src/backlit/engines/statistics.py.
template <class T>
void finish_pass(const MeasurePass<T>& w, double* layers) {
  constexpr int ROOM = up(PASS_SUMS + 1, FOLD) * FOLD;
  const int items = measure_pass_items(w), per_item = w.layers * PASS_SUMS * FOLD;
  for (int l = 0; l < w.layers; ++l, layers += STATISTICS) {
    const MeasuredLayer<T>& layer = w.layer[l];
    Vec<double> sums[ROOM];
    for (auto& sum : sums) sum = set(0.0);
    for (int item = 0; item < items; ++item) {
      const double* from = w.sums + std::ptrdiff_t(item) * per_item + l * PASS_SUMS * FOLD;
      for (int k = 0; k < PASS_SUMS; ++k) sums[k] = sums[k] + load(from + k * FOLD);
    }
    const std::ptrdiff_t padded = std::ptrdiff_t(up(layer.neurons, PANEL<T>)) * PANEL<T>;
    Int<T> alive{};
    for (int k = 0; k < up(layer.neurons, LANES<T>); ++k) {
      Int<T> stirred{};
      for (int item = 0; item < items; ++item)
        stirred = stirred | bits<T>(load(layer.stirred + item * padded + k * LANES<T>));
      alive = alive - stirred;
    }
    sums[PASS_SUMS] = widen(__builtin_convertvector(alive, Vec<T>));
    double total[ROOM];
    for (int k = 0; k < ROOM; k += FOLD) store(total + k, row_totals<double>(sums + k));
    if (layer.activation == Activation::relu) total[1] = double(w.m) * layer.neurons - total[2], total[3] = total[2];
    const double order[] = {total[0], total[4], total[5], total[1], total[2], total[3], layer.neurons - total[PASS_SUMS]};
    for (int k = 0; k < 7; ++k) layers[k] = order[k];
    layers[STATISTICS - 1] = total[6];
  }
}

// What the update's epilogue saw of one layer, block after block: OBSERVED vectors each, FEW blocks at a time in T.
template <class T>
void add_observed(const T* observed, int items, double* out) {
  constexpr int ROOM = up(OBSERVED, FOLD) * FOLD, FEW = 4;
  Vec<double> sums[ROOM];
  for (auto& sum : sums) sum = set(0.0);
  for (int item = 0; item < items; item += FEW) {
    Vec<T> few[OBSERVED];
    UNROLL
    for (int k = 0; k < OBSERVED; ++k) few[k] = set(T(0));
    for (int more = item; more < items && more < item + FEW; ++more, observed += OBSERVED * LANES<T>)
      UNROLL
      for (int k = 0; k < OBSERVED; ++k) few[k] = few[k] + load(observed + k * LANES<T>);
    UNROLL
    for (int k = 0; k < OBSERVED; ++k) sums[k] = sums[k] + widen(few[k]);
  }
  double total[ROOM];
  for (int k = 0; k < ROOM; k += FOLD) store(total + k, row_totals<double>(sums + k));
  for (int k = 0; k < OBSERVED; ++k) out[k] = total[k];
}

// Of parameters that somebody else updated: Σ g², θ², Δθ², g Δθ, where `before` was θ; afterwards `before` is θ as it is
// now. Blocks of a few thousand numbers, each with chains of its own.
template <class T>
void measure_update(T* before, const T* after, const T* gradient, std::ptrdiff_t count, double* sums) {
  constexpr std::ptrdiff_t BLOCK = 64 * LANES<T>;
  Vec<double> all[4] = {set(0.0), set(0.0), set(0.0), set(0.0)};
  for (std::ptrdiff_t from = 0; from < count; from += BLOCK) {
    const std::ptrdiff_t until = from + BLOCK < count ? from + BLOCK : count;
    Vec<T> seen[4] = {set(T(0)), set(T(0)), set(T(0)), set(T(0))};
    auto take = [&](Vec<T> theta, Vec<T> now, Vec<T> g) {
      const Vec<T> change = now - theta;
      seen[0] = fma(g, g, seen[0]), seen[1] = fma(theta, theta, seen[1]);
      seen[2] = fma(change, change, seen[2]), seen[3] = fma(g, change, seen[3]);
    };
    std::ptrdiff_t k = from;
    for (; k + LANES<T> <= until; k += LANES<T>) {
      const Vec<T> now = load(after + k);
      take(load(before + k), now, load(gradient + k));
      store(before + k, now);
    }
    if (k < until) {
      const int left = int(until - k);
      const Vec<T> now = load_first(after + k, left);
      take(load_first(before + k, left), now, load_first(gradient + k, left));
      store_first(before + k, now, left);
    }
    for (int q = 0; q < 4; ++q) all[q] = all[q] + widen(seen[q]);
  }
  for (int q = 0; q < 4; ++q) {
    sums[q] = 0;
    for (int lane = 0; lane < FOLD; ++lane) sums[q] += all[q][lane];
  }
}

}  // namespace backlit::BACKLIT_ISA_NAME
