// σ(z) and σ'(z), side by side, one struct an activation: value(z), slope(z, a) with a = σ(z).
// Slopes at a kink as everywhere in Backlit: relu'(0) = 0, leaky-relu'(0) = 0.01, elu'(0) = 1.
// To add one: its struct here, its name in core/kinds.hpp and in `with_activation`; nothing else.
#pragma once
#include "../core/kinds.hpp"
#include "maths.hpp"

namespace backlit::BACKLIT_ISA_NAME {

template <class T>
struct Identity {
  static INLINE Vec<T> value(Vec<T> z) { return z; }
  static INLINE Vec<T> slope(Vec<T>, Vec<T>) { return set(T(1)); }
};

template <class T>
struct Sigmoid {
  static INLINE Vec<T> value(Vec<T> z) { return sigmoid<T>(z); }
  static INLINE Vec<T> slope(Vec<T>, Vec<T> a) { return a * (set(T(1)) - a); }
};

template <class T>
struct Tanh {
  static INLINE Vec<T> value(Vec<T> z) { return tanh<T>(z); }
  static INLINE Vec<T> slope(Vec<T>, Vec<T> a) { return set(T(1)) - a * a; }
};

template <class T>
struct Relu {
  static INLINE Vec<T> value(Vec<T> z) { return max(set(T(0)), z); }
  static INLINE Vec<T> slope(Vec<T>, Vec<T> a) { return a > set(T(0)) ? set(T(1)) : set(T(0)); }
};

template <class T>
struct LeakyRelu {
  static INLINE Vec<T> value(Vec<T> z) { return max(z * set(T(0.01)), z); }
  static INLINE Vec<T> slope(Vec<T>, Vec<T> a) { return a > set(T(0)) ? set(T(1)) : set(T(0.01)); }
};

template <class T>
struct Elu {
  static INLINE Vec<T> value(Vec<T> z) { return z > set(T(0)) ? z : expm1<T>(z); }
  static INLINE Vec<T> slope(Vec<T>, Vec<T> a) { return a > set(T(0)) ? set(T(1)) : a + set(T(1)); }  // e^z = a + 1
};

template <class T>
struct Gelu {
  static INLINE Vec<T> value(Vec<T> z) { return z * normal_distribution<T>(z); }
  static INLINE Vec<T> slope(Vec<T> z, Vec<T>) { return fma(z, normal_density<T>(z), normal_distribution<T>(z)); }
};

template <class T>
struct Silu {
  static INLINE Vec<T> value(Vec<T> z) { return z * sigmoid<T>(z); }
  static INLINE Vec<T> slope(Vec<T> z, Vec<T> a) {
    const Vec<T> s = sigmoid<T>(z);
    return fma(a, set(T(1)) - s, s);
  }
};

template <class T>
struct Softplus {
  static INLINE Vec<T> value(Vec<T> z) {
    return max(set(T(0)), z) + log1p<T>(exp<T>(set(T(0)) - absolute<T>(z)));
  }
  static INLINE Vec<T> slope(Vec<T> z, Vec<T>) { return sigmoid<T>(z); }
};

// e^z with z held at ln(largest number / 2²⁴), from where 2²⁴ outputs can still be summed.
template <class T>
struct Exponential {
  static constexpr T LARGEST_Z = sizeof(T) == 4 ? T(72.08730671862966) : T(693.1471805599452);
  static INLINE Vec<T> value(Vec<T> z) { return exp<T>(min(set(LARGEST_Z), z)); }
  static INLINE Vec<T> slope(Vec<T>, Vec<T> a) { return a; }
};

// Calls f with the struct of an elementwise activation (softmax has rows, and a file of its own: output_error.hpp).
template <class T, class F>
INLINE void with_activation(Activation activation, F f) {
  switch (activation) {
    case Activation::identity: return f(Identity<T>{});
    case Activation::sigmoid: return f(Sigmoid<T>{});
    case Activation::tanh: return f(Tanh<T>{});
    case Activation::relu: return f(Relu<T>{});
    case Activation::leaky_relu: return f(LeakyRelu<T>{});
    case Activation::elu: return f(Elu<T>{});
    case Activation::gelu: return f(Gelu<T>{});
    case Activation::silu: return f(Silu<T>{});
    case Activation::softplus: return f(Softplus<T>{});
    case Activation::exponential: return f(Exponential<T>{});
    case Activation::softmax: return;
  }
}

}  // namespace backlit::BACKLIT_ISA_NAME
