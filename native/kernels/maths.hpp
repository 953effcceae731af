// Elementary functions on vectors, the same operations on every instruction set. Largest errors found against exact
// values (tests/engines/test_native_maths.py holds them to it), in units in the last place, where the result is normal:
//   exp 2, expm1 3, log 2, log1p 3, tanh 4, sigmoid 4;  Φ (normal distribution) 8 float32, 16 float64, tails included.
#pragma once
#include "simd.hpp"

namespace backlit::BACKLIT_ISA_NAME {

// e^x = 2^n e^r, r = x - n ln 2 in [-½ln2, ½ln2]; ln 2 in two parts, the first short enough for n·part to be exact.
template <class T>
struct Ln2;
template <>
struct Ln2<float> {
  static constexpr float HIGH = 0.693359375f, LOW = -2.12194440e-4f, LARGEST = 89.0f, SMALLEST = -105.0f;
  static constexpr int TERMS = 7;  // of the Taylor series, enough for |r| ≤ ½ ln 2
};
template <>
struct Ln2<double> {
  static constexpr double HIGH = 6.93147180369123816490e-01, LOW = 1.90821492927058770002e-10, LARGEST = 710.0,
                          SMALLEST = -746.0;
  static constexpr int TERMS = 13;
};

template <class T>
constexpr T one_over_factorial(int k) {
  double f = 1;
  for (int i = 2; i <= k; ++i) f *= i;
  return T(1 / f);
}

template <class T>
struct Reduced {
  Vec<T> n, r;
};
template <class T>
INLINE Reduced<T> reduce(Vec<T> x) {
  const Vec<T> n = nearest<T>(x * set(T(1.4426950408889634074)));
  return {n, fma(n, set(-Ln2<T>::LOW), fma(n, set(-Ln2<T>::HIGH), x))};
}

// (e^r - 1 - r) / r²
template <class T>
INLINE Vec<T> exp_tail(Vec<T> r) {
  Vec<T> p = set(one_over_factorial<T>(Ln2<T>::TERMS));
  UNROLL
  for (int k = Ln2<T>::TERMS - 1; k >= 2; --k) p = fma(p, r, set(one_over_factorial<T>(k)));
  return p;
}

template <class T>
INLINE Vec<T> exp(Vec<T> x) {
  const auto [n, r] = reduce<T>(max(set(Ln2<T>::SMALLEST), min(set(Ln2<T>::LARGEST), x)));
  const Vec<T> p = fma(exp_tail<T>(r), r * r, r) + set(T(1));
  const Vec<T> half = nearest<T>(n * set(T(0.5)));  // in two steps: 2^n itself may lie outside the normal numbers
  return p * power_of_two<T>(half) * power_of_two<T>(n - half);
}

// e^x - 1, accurate near 0: 2^n (e^r - 1) + (2^n - 1).
template <class T>
INLINE Vec<T> expm1(Vec<T> x) {
  const auto [n, r] = reduce<T>(max(set(T(-50)), min(set(Ln2<T>::LARGEST), x)));
  const Vec<T> p = fma(exp_tail<T>(r), r * r, r);
  const Vec<T> half = nearest<T>(n * set(T(0.5)));
  const Vec<T> first = power_of_two<T>(half), second = power_of_two<T>(n - half);
  return (p * first + (first - power_of_two<T>(half - n))) * second;
}

// ln x = k ln 2 + ln m, m in [√½, √2); ln m = 2 artanh s, s = (m-1)/(m+1). ln 0 = -inf, below 0 NaN.
template <class T>
INLINE Vec<T> log(Vec<T> x) {
  constexpr int M = Types<T>::MANTISSA, TERMS = sizeof(T) == 4 ? 5 : 11;
  const T smallest = sizeof(T) == 4 ? T(1.17549435e-38) : T(2.2250738585072014e-308);
  const auto small = x < set(smallest);
  const Vec<T> scaled = small ? x * set(T(std::int64_t(1) << M)) : x;
  const Int<T> root_half = bits<T>(set(T(0.70710678118654752440)));
  const Int<T> offset = bits<T>(scaled) - root_half;
  const Vec<T> k = __builtin_convertvector(offset >> M, Vec<T>) - (small ? set(T(M)) : set(T(0)));
  const Int<T> mantissa = (Int<T>{} + ((std::int64_t(1) << M) - 1));
  const Vec<T> m = numbers<T>((offset & mantissa) + root_half);
  const Vec<T> f = m - set(T(1)), s = f / (f + set(T(2))), s2 = s * s;
  Vec<T> p = set(T(1.0 / (2 * TERMS + 1)));
  UNROLL
  for (int j = TERMS - 1; j >= 1; --j) p = fma(p, s2, set(T(1.0 / (2 * j + 1))));
  // 2s + 2s³p = f - s(f - 2s²p): the large part, f, is exact
  const Vec<T> low = fma(k, set(Ln2<T>::LOW), set(T(0)) - s * (f - (s2 + s2) * p));
  const Vec<T> result = fma(k, set(Ln2<T>::HIGH), f + low);
  const Vec<T> infinity = set(T(__builtin_inf()));
  const Vec<T> special = x == set(T(0)) ? set(T(0)) - infinity : (x == infinity ? x : set(T(__builtin_nan(""))));
  return (x > set(T(0))) & (x < infinity) ? result : special;
}

// ln(1 + x) for x ≥ 0: the rounding error of 1 + x put back.
template <class T>
INLINE Vec<T> log1p(Vec<T> x) {
  const Vec<T> w = set(T(1)) + x;
  return log<T>(w) + (x - (w - set(T(1)))) / w;
}

// 1/(1+e^{-z}): neither side overflows, small values keep their digits.
template <class T>
INLINE Vec<T> sigmoid(Vec<T> z) {
  const Vec<T> e = exp<T>(set(T(0)) - absolute<T>(z));
  const Vec<T> above = set(T(1)) / (set(T(1)) + e);
  return z < set(T(0)) ? e * above : above;
}

// tanh |x| = -(e^{-2|x|} - 1) / (e^{-2|x|} + 1)
template <class T>
INLINE Vec<T> tanh(Vec<T> x) {
  const Vec<T> e = expm1<T>(set(T(-2)) * absolute<T>(x));
  return with_sign<T>((set(T(0)) - e) / (e + set(T(2))), x);
}

// erfc(x) = t e^{g(t) - x²}, t = 2/(2+x), x ≥ 0: g as a Chebyshev series in t (Press et al., Numerical Recipes, 6.2;
// coefficients computed anew in 60 digits).
alignas(64) constexpr double ERFC[28] = {
    -1.3026537197817094342, 0.6419697923564902603, 0.019476473204185836312, -0.0095615147868086316419,
    -0.0009465953444820368663, 0.00036683949785276145187, 0.000042523324806907771645, -0.000020278578112534243154,
    -1.6242900046470255135e-6, 1.3036558355805232018e-6, 1.5626441722066143178e-8, -8.5238095914926542525e-8,
    6.5290544390988514964e-9, 5.0593434955514689418e-9, -9.9136415649303308674e-10, -2.2736512229318358557e-10,
    9.646791102015526802e-11, 2.3940380830391147447e-12, -6.8860275264975533984e-12, 8.9448792730907257167e-13,
    3.1309213993429580783e-13, -1.1270822361367252366e-13, 3.8109052551892320552e-16, 7.1060976136092369878e-15,
    -1.5230282014571043043e-15, -9.4574945712912340005e-17, 1.2102371892242789923e-16, -2.8166630877471769718e-17};

// Φ(z), the standard normal distribution function: Φ(-|z|) = ½ erfc(|z|/√2) = ½ t e^{g - z²/2}. The exponent is taken in
// two parts, of which the first is exact to within its lost bits, so that tails keep their digits.
template <class T>
INLINE Vec<T> normal_distribution(Vec<T> z) {
  constexpr int N = sizeof(T) == 4 ? 13 : 28;
  const Vec<T> size = min(set(T(60)), absolute<T>(z)), half = set(T(0.5)) * size;
  const Vec<T> t = set(T(2)) / fma(size, set(T(0.70710678118654752440)), set(T(2))), u2 = fma(set(T(4)), t, set(T(-2)));
  Vec<T> d = set(T(0)), dd = set(T(0));
  UNROLL
  for (int j = N - 1; j >= 1; --j) {
    const Vec<T> next = fma(u2, d, set(T(ERFC[j])) - dd);
    dd = d;
    d = next;
  }
  const Vec<T> g = fma(set(T(0.5)), fma(u2, d, set(T(ERFC[0]))), -dd);
  const Vec<T> square = half * size, lost = fma(half, size, -square);
  const Vec<T> tail = set(T(0.5)) * t * exp<T>(g - lost) * exp<T>(-square);
  return z > set(T(0)) ? set(T(1)) - tail : tail;
}

// φ(z) = e^{-z²/2} / √(2π)
template <class T>
INLINE Vec<T> normal_density(Vec<T> z) {
  return exp<T>(set(T(-0.5)) * z * z) * set(T(0.39894228040143267794));
}

}  // namespace backlit::BACKLIT_ISA_NAME
