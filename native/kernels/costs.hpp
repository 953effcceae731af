// C(a, y) of one row and ∂C/∂a, side by side, one struct a cost: term(a, y) is one output's part of C, gradient(a, y)
// its ∂C/∂a. Formulas as in src/backlit/costs.py; the fused forms of objective.py have theirs at the end.
#pragma once
#include "activations.hpp"

namespace backlit::BACKLIT_ISA_NAME {

// y ln a with 0 ln 0 = 0
template <class T>
INLINE Vec<T> times_log(Vec<T> y, Vec<T> a) {
  return y == set(T(0)) ? set(T(0)) : y * log<T>(a);
}

template <class T>
struct Quadratic {
  static INLINE Vec<T> term(Vec<T> a, Vec<T> y, int) { return set(T(0.5)) * ((a - y) * (a - y)); }
  static INLINE Vec<T> gradient(Vec<T> a, Vec<T> y, int) { return a - y; }
};
template <class T>
struct Mse {
  static INLINE Vec<T> term(Vec<T> a, Vec<T> y, int n) { return (a - y) * (a - y) / set(T(n)); }
  static INLINE Vec<T> gradient(Vec<T> a, Vec<T> y, int n) { return (a - y) * set(T(2.0 / n)); }
};
template <class T>
struct BinaryCrossEntropy {
  static INLINE Vec<T> term(Vec<T> a, Vec<T> y, int) {
    const Vec<T> one = set(T(1));
    return set(T(0)) - (times_log<T>(y, a) + times_log<T>(one - y, one - a));
  }
  static INLINE Vec<T> gradient(Vec<T> a, Vec<T> y, int) { return (a - y) / (a * (set(T(1)) - a)); }
};
template <class T>
struct CrossEntropy {
  static INLINE Vec<T> term(Vec<T> a, Vec<T> y, int) { return set(T(0)) - times_log<T>(y, a); }
  static INLINE Vec<T> gradient(Vec<T> a, Vec<T> y, int) { return (set(T(0)) - y) / a; }
};
template <class T>
struct Huber {
  static INLINE Vec<T> term(Vec<T> a, Vec<T> y, int) {
    const Vec<T> e = absolute<T>(a - y), near = min(set(T(1)), e);
    return near * (e - set(T(0.5)) * near);
  }
  static INLINE Vec<T> gradient(Vec<T> a, Vec<T> y, int) { return max(set(T(-1)), min(set(T(1)), a - y)); }
};
template <class T>
struct Poisson {
  static INLINE Vec<T> term(Vec<T> a, Vec<T> y, int) { return a - times_log<T>(y, a); }
  static INLINE Vec<T> gradient(Vec<T> a, Vec<T> y, int) { return set(T(1)) - y / a; }
};

template <class T, class F>
INLINE void with_cost(Cost cost, F f) {
  switch (cost) {
    case Cost::quadratic: return f(Quadratic<T>{});
    case Cost::mse: return f(Mse<T>{});
    case Cost::binary_cross_entropy: return f(BinaryCrossEntropy<T>{});
    case Cost::cross_entropy: return f(CrossEntropy<T>{});
    case Cost::huber: return f(Huber<T>{});
    case Cost::poisson: return f(Poisson<T>{});
  }
}

// One output's part of a fused pair's cost, finite at any finite z.
template <class T>
INLINE Vec<T> sigmoid_binary_cross_entropy(Vec<T> z, Vec<T> y) {
  return max(set(T(0)), z) - y * z + log1p<T>(exp<T>(set(T(0)) - absolute<T>(z)));
}
template <class T>
INLINE Vec<T> exponential_poisson(Vec<T> z, Vec<T> a, Vec<T> y) {
  return a - y * z;
}

}  // namespace backlit::BACKLIT_ISA_NAME
