// BP1, error of the output: δ^L_i = pull-back through σ_L of ∂C_i/∂a^L; for a fused pair δ^L = a^L - y.
// z, a, y (m, n_L) → δ (m, n_L), C_i (m,). One item is one row; sums over a row's outputs go in the order of the panels.
#pragma once
#include "costs.hpp"
#include "tile.hpp"

namespace backlit::BACKLIT_ISA_NAME {

// f(v, offset, count) for each vector of a row that holds outputs, of which `count` lanes count.
template <class T, class F>
INLINE void each_vector(int neurons, F f) {
  for (int j = 0; j < neurons; j += LANES<T>) f(j, neurons - j < LANES<T> ? neurons - j : LANES<T>);
}
template <class T, class U>
INLINE U* at(Panels<U> x, int row, int column) {
  return x.data + column / PANEL<T> * x.stride + row * PANEL<T> + column % PANEL<T>;
}
// The lanes that count keep their numbers, the others get `other`.
template <class T>
INLINE Vec<T> only(Vec<T> v, int count, Vec<T> other) {
  if (count == LANES<T>) return v;
  Int<T> lane;
  for (int k = 0; k < LANES<T>; ++k) lane[k] = k;
  return lane < (Int<T>{} + count) ? v : other;
}
// One number of a vector: the upper half of its lanes joined to the lower, and so on.
template <class T, int HALF = LANES<T> / 2, class Join, std::size_t... J>
INLINE T reduce(Vec<T> v, Join join, std::index_sequence<J...> lanes) {
  v = join(v, (Vec<T>)__builtin_shufflevector(v, v, int((J + HALF) % LANES<T>)...));
  if constexpr (HALF > 1)
    return reduce<T, HALF / 2>(v, join, lanes);
  else
    return v[0];
}
template <class T>
INLINE T largest(Vec<T> v) {
  return reduce<T>(v, [](Vec<T> a, Vec<T> b) { return (b > a) | (b != b) ? b : a; }, std::make_index_sequence<LANES<T>>{});
}
template <class T>
INLINE T total(Vec<T> v) {
  return reduce<T>(v, [](Vec<T> a, Vec<T> b) { return a + b; }, std::make_index_sequence<LANES<T>>{});
}

template <class T>
INLINE T largest_of_row(Panels<const T> z, int row, int n) {
  const Vec<T> lowest = set(T(-__builtin_inf()));
  Vec<T> top = lowest;
  each_vector<T>(n, [&](int j, int count) { top = max(top, only<T>(load(at<T>(z, row, j)), count, lowest)); });
  return largest<T>(top);
}

// What a softmax divides by: Σ_k e^{z_k - max}, and max.
template <class T>
struct Exponentials {
  T top, sum;
};

// a_j = e^{z_j - max} / Σ_k e^{z_k - max}
template <class T>
INLINE Exponentials<T> softmax_row(Panels<const T> z, Panels<T> a, int row, int n) {
  const T top_value = largest_of_row<T>(z, row, n);
  const Vec<T> top = set(top_value);
  Vec<T> sum = set(T(0));
  each_vector<T>(n, [&](int j, int count) {
    const Vec<T> e = only<T>(exp<T>(load(at<T>(z, row, j)) - top), count, set(T(0)));
    sum = sum + e;
    store(at<T>(a, row, j), e);
  });
  const T whole = total<T>(sum);
  each_vector<T>(n, [&](int j, int) { store(at<T>(a, row, j), load(at<T>(a, row, j)) / set(whole)); });
  return {top_value, whole};
}

template <class T>
void softmax(int neurons, Panels<const T> z, Panels<T> a, int begin, int end) {
  for (int i = begin; i < end; ++i) softmax_row(z, a, i, neurons);
}

// Σ_j y_j (ln Σ_k e^{z_k} - z_j), the largest z taken off first.
template <class T>
INLINE T softmax_cross_entropy(const OutputError<T>& w, const Exponentials<T>& of, int row) {
  const Vec<T> top = set(of.top), log_sum = log<T>(set(of.sum));
  Vec<T> cost = set(T(0));
  each_vector<T>(w.neurons, [&](int j, int count) {
    const Vec<T> part = load(at<T>(w.y, row, j)) * (log_sum - (load(at<T>(w.z, row, j)) - top));
    cost = cost + only<T>(part, count, set(T(0)));
  });
  return total<T>(cost);
}

template <class T>
INLINE T row_cost(const OutputError<T>& w, const Exponentials<T>& of, int row) {
  if (w.fused && w.cost == Cost::cross_entropy) return softmax_cross_entropy(w, of, row);
  Vec<T> cost = set(T(0));
  auto add = [&](auto term) {
    each_vector<T>(w.neurons, [&](int j, int count) {
      const Vec<T> z = load(at<T>(w.z, row, j)), a = load(at<T>(w.a, row, j)), y = load(at<T>(w.y, row, j));
      cost = cost + only<T>(term(z, a, y), count, set(T(0)));
    });
  };
  if (w.fused && w.cost == Cost::binary_cross_entropy)
    add([](Vec<T> z, Vec<T>, Vec<T> y) { return sigmoid_binary_cross_entropy<T>(z, y); });
  else if (w.fused)
    add([](Vec<T> z, Vec<T> a, Vec<T> y) { return exponential_poisson<T>(z, a, y); });
  else
    with_cost<T>(w.cost, [&](auto cost_of) {
      add([&](Vec<T>, Vec<T> a, Vec<T> y) { return cost_of.term(a, y, w.neurons); });
    });
  return total<T>(cost);
}

// δ ← a - y: the pull-back of a fused pair cancels what is infinite.
template <class T>
INLINE void fused_error(const OutputError<T>& w, int row) {
  each_vector<T>(w.neurons, [&](int j, int count) {
    store(at<T>(w.delta, row, j), only<T>(load(at<T>(w.a, row, j)) - load(at<T>(w.y, row, j)), count, set(T(0))));
  });
}

// error = ∂C/∂a, then its pull-back: error ⊙ σ'(z); for softmax δ_j = a_j (error_j - Σ_k error_k a_k).
template <class T>
INLINE void general_error(const OutputError<T>& w, int row) {
  with_cost<T>(w.cost, [&](auto cost) {
    each_vector<T>(w.neurons, [&](int j, int count) {
      const Vec<T> error = cost.gradient(load(at<T>(w.a, row, j)), load(at<T>(w.y, row, j)), w.neurons);
      store(at<T>(w.delta, row, j), only<T>(error, count, set(T(0))));
    });
  });
  if (w.activation == Activation::softmax) {
    Vec<T> sum = set(T(0));
    each_vector<T>(w.neurons, [&](int j, int count) {
      sum = sum + only<T>(load(at<T>(w.delta, row, j)) * load(at<T>(w.a, row, j)), count, set(T(0)));
    });
    const Vec<T> mean = set(total<T>(sum));
    each_vector<T>(w.neurons, [&](int j, int count) {
      const Vec<T> delta = load(at<T>(w.a, row, j)) * (load(at<T>(w.delta, row, j)) - mean);
      store(at<T>(w.delta, row, j), only<T>(delta, count, set(T(0))));
    });
    return;
  }
  if (w.activation == Activation::identity) return;
  with_activation<T>(w.activation, [&](auto sigma) {
    each_vector<T>(w.neurons, [&](int j, int count) {
      const Vec<T> slope = sigma.slope(load(at<T>(w.z, row, j)), load(at<T>(w.a, row, j)));
      store(at<T>(w.delta, row, j), only<T>(load(at<T>(w.delta, row, j)) * slope, count, set(T(0))));
    });
  });
}

// argmax: the first largest output is the target's first largest; threshold: every output on its target's side of ½.
template <class T>
INLINE bool is_right(const OutputError<T>& w, int row) {
  int top_a = 0, top_y = 0;
  T most_a = *at<T>(w.a, row, 0), most_y = *at<T>(w.y, row, 0);
  bool same_side = true;
  for (int j = 0; j < w.neurons; ++j) {
    const T a = *at<T>(w.a, row, j), y = *at<T>(w.y, row, j);
    const bool more_a = a > most_a, more_y = y > most_y;  // no branches: which output is largest nobody can predict
    top_a = more_a ? j : top_a, most_a = more_a ? a : most_a;
    top_y = more_y ? j : top_y, most_y = more_y ? y : most_y;
    same_side &= (a >= T(0.5)) == (y >= T(0.5));
  }
  return w.decision == Decision::argmax ? top_a == top_y : same_side;
}

template <class T>
void output_error(const OutputError<T>& w, int begin, int end) {
  for (int i = begin; i < end; ++i) {
    Exponentials<T> of{};
    if (w.activation == Activation::softmax) of = softmax_row(w.z, w.a, i, w.neurons);
    w.row_costs[i] = row_cost(w, of, i);
    if (w.fused)
      fused_error(w, i);
    else
      general_error(w, i);
    if (w.decision != Decision::none) w.row_hits[i] = is_right(w, i) ? 1.0 : 0.0;
  }
}

}  // namespace backlit::BACKLIT_ISA_NAME
