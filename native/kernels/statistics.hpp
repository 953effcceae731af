// What the lens wants to know of a pass, in one sweep over z, σ, a and δ while they are in the cache: sums over a layer,
// ‖a_x‖² and ‖δ_x‖² of each row, and from these ‖∇C_x‖² = Σ_l ‖δ_x‖² (1 + ‖a_x‖²), a of the layer before.
// One item is a block of ROWS rows through all layers. Sums stay in T over a panel's rows, in float64 from there; blocks
// are added up in their order, so any number of threads gives the same bits.
#pragma once
#include "activations.hpp"
#include "panels.hpp"
#include "tile.hpp"

#include <type_traits>

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

// As many rows as a vector has lanes, each with a vector of partial sums: → a vector with each row's sum. At each level
// two vectors become one that holds the halves of both, added.
template <class T, int D = LANES<T> / 2>
INLINE Vec<T> row_totals(Vec<T>* row) {
  using Lanes = std::make_index_sequence<LANES<T>>;
  UNROLL
  for (int i = 0; i < D; ++i)
    row[i] = exchange<T, D, false>(row[i], row[i + D], Lanes{}) + exchange<T, D, true>(row[i], row[i + D], Lanes{});
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

template <class T>
struct Rows {
  int first, count;  // at most LANES
};

template <int VECTORS, class F>
INLINE void with_vectors(int vectors, F f) {
  if (vectors == VECTORS)
    f(std::integral_constant<int, VECTORS>{});
  else if constexpr (VECTORS > 1)
    with_vectors<VECTORS - 1>(vectors, f);
}

// ‖x‖² of some rows; the padding of x is zero.
template <class T>
INLINE Vec<T> squares_of_rows(Panels<const T> x, int columns, Rows<T> rows) {
  Vec<T> row[LANES<T>];
  UNROLL
  for (int i = 0; i < LANES<T>; ++i) row[i] = set(T(0));
  for (int p = 0; p * PANEL<T> < columns; ++p)
    with_vectors<WIDTH>(vectors_in<T>(columns, p), [&](auto vectors) {
      const T* from = x.data + p * x.stride + std::ptrdiff_t(rows.first) * PANEL<T>;
      for (int i = 0; i < rows.count; ++i, from += PANEL<T>) {
        Vec<T> sum = row[i];
        UNROLL
        for (int v = 0; v < vectors; ++v) sum = fma(load(from + v * LANES<T>), load(from + v * LANES<T>), sum);
        row[i] = sum;
      }
    });
  return row_totals<T>(row);
}

// The sums of one layer over a block of rows, a vector of float64 each.
struct LayerSums {
  Vec<double> of[PASS_SUMS];
};

template <class Sigma>
constexpr bool IS_RELU = false;
template <class T>
constexpr bool IS_RELU<Relu<T>> = true;

// Some rows of a panel. Lanes beyond the layer's neurons count for nothing: WHOLE says that there are none. Of relu,
// flat, zero and not above zero are one.
template <class T, int VECTORS, bool WHOLE, bool DROPS, class Sigma>
INLINE void measure_panel(const MeasuredLayer<T>& w, int p, Rows<T> rows, Vec<T>* row_a, Vec<T>* row_delta, T* stirred,
                          LayerSums& sums, Int<T>& saturated, Int<T>& zero) {
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
  for (int i = 0; i < rows.count; ++i, z += PANEL<T>, sigma += PANEL<T>, a += PANEL<T>, delta += PANEL<T>) {
    Vec<T> a_sum = row_a[i], delta_sum = row_delta[i];
    UNROLL
    for (int v = 0; v < VECTORS; ++v) {
      const Vec<T> zs = load(z + v * LANES<T>), ss = load(sigma + v * LANES<T>);
      const Vec<T> z_v = counted(zs, v), d_v = load(delta + v * LANES<T>);
      const Vec<T> a_v = counted(DROPS ? load(a + v * LANES<T>) : ss, v);
      z_sum[v] = fma(z_v, z_v, z_sum[v]);
      a_sum = fma(a_v, a_v, a_sum);
      delta_sum = fma(d_v, d_v, delta_sum);
      if constexpr (IS_RELU<Sigma>) {
        flats[v] = counted(ss, v) > nothing ? flats[v] : flats[v] + one;
      } else {
        const Vec<T> slope = absolute<T>(counted(Sigma::slope(zs, ss), v));
        slope_sum[v] = slope_sum[v] + slope;
        flats[v] = slope < flat ? flats[v] + one : flats[v];
        zeros[v] = ss == nothing ? zeros[v] + one : zeros[v];
      }
    }
    row_a[i] = a_sum, row_delta[i] = delta_sum;
  }
  Vec<T> z_all = nothing, slope_all = nothing;
  UNROLL
  for (int v = 0; v < VECTORS; ++v) {
    if constexpr (IS_RELU<Sigma>) {
      zeros[v] = flats[v];
      slope_sum[v] = __builtin_convertvector(rows.count - flats[v], Vec<T>);
    }
    const Int<T> stirs = flats[v] != Int<T>{} + rows.count;
    T* before = stirred + v * LANES<T>;
    store(before, numbers<T>(bits<T>(load(before)) | (stirs & in_use[v])));
    z_all = z_all + z_sum[v], slope_all = slope_all + counted(slope_sum[v], v);
    saturated = saturated + (flats[v] & in_use[v]), zero = zero + (zeros[v] & in_use[v]);
  }
  sums.of[0] = sums.of[0] + widen<T>(z_all);
  sums.of[1] = sums.of[1] + widen<T>(slope_all);
}

template <class T, class Sigma>
void measure_layer(const MeasuredLayer<T>& w, Rows<T> rows, Vec<T>* row_a, Vec<T>* row_delta, T* stirred,
                   LayerSums& sums) {
  Int<T> saturated{}, zero{};
  for (int p = 0; p * PANEL<T> < w.neurons; ++p, stirred += PANEL<T>)
    with_vectors<WIDTH>(vectors_in<T>(w.neurons, p), [&](auto vectors) {
      constexpr int VECTORS = decltype(vectors)::value;
      const bool whole = w.neurons - p * PANEL<T> >= VECTORS * LANES<T>;
      auto measure = [&](auto all, auto drops) {
        measure_panel<T, VECTORS, decltype(all)::value, decltype(drops)::value, Sigma>(w, p, rows, row_a, row_delta,
                                                                                       stirred, sums, saturated, zero);
      };
      const std::true_type yes;
      const std::false_type no;
      if (w.a.data != w.sigma.data)
        whole ? measure(yes, yes) : measure(no, yes);
      else
        whole ? measure(yes, no) : measure(no, no);
    });
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
        UNROLL
        for (int i = 0; i < LANES<T>; ++i) row_a[i] = row_delta[i] = set(T(0));
        for (int k = 0; k < PASS_SUMS; ++k)
          sums.of[k] = first == block ? set(0.0) : load(out + (l * PASS_SUMS + k) * FOLD);
        if (first == block)
          for (int k = 0; k < up(layer.neurons, LANES<T>); ++k) store(stirred + k * LANES<T>, set(T(0)));
        if (layer.activation == Activation::softmax)  // the diagonal of its Jacobian: a (1 - a)
          measure_layer<T, Sigmoid<T>>(layer, rows, row_a, row_delta, stirred, sums);
        else
          with_activation<T>(layer.activation, [&](auto sigma) {
            measure_layer<T, decltype(sigma)>(layer, rows, row_a, row_delta, stirred, sums);
          });
        // Of the output no row's a is needed on its own: added as they are, they take no turning.
        const Vec<T> a = l + 1 < w.layers ? row_totals<T>(row_a) : all_of<T>(row_a);
        const Vec<T> delta = row_totals<T>(row_delta), g = fma(delta, a_before, delta);
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
    Vec<double> sums[up(PASS_SUMS, FOLD) * FOLD];
    for (auto& sum : sums) sum = set(0.0);
    for (int item = 0; item < items; ++item) {
      const double* from = w.sums + std::ptrdiff_t(item) * per_item + l * PASS_SUMS * FOLD;
      for (int k = 0; k < PASS_SUMS; ++k) sums[k] = sums[k] + load(from + k * FOLD);
    }
    double total[up(PASS_SUMS, FOLD) * FOLD];
    for (int k = 0; k < PASS_SUMS; k += FOLD) store(total + k, row_totals<double>(sums + k));
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
  constexpr int ROOM = up(OBSERVED, FOLD) * FOLD;
  Vec<double> sums[ROOM];
  for (int k = 0; k < ROOM; ++k) sums[k] = set(0.0);
  for (int item = 0; item < items; ++item, observed += OBSERVED * LANES<T>)
    UNROLL
    for (int k = 0; k < OBSERVED; ++k) sums[k] = sums[k] + widen<T>(load(observed + k * LANES<T>));
  double total[ROOM];
  for (int k = 0; k < OBSERVED; k += FOLD) store(total + k, row_totals<double>(sums + k));
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
    for (int q = 0; q < 4; ++q) all[q] = all[q] + widen<T>(seen[q]);
  }
  for (int q = 0; q < 4; ++q) {
    sums[q] = 0;
    for (int lane = 0; lane < FOLD; ++lane) sums[q] += all[q][lane];
  }
}

}  // namespace backlit::BACKLIT_ISA_NAME
