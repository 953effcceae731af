// m / (√v · c + ε), the shape of an adaptive step, v ≥ 0.
#pragma once
#include "simd.hpp"

namespace backlit::BACKLIT_ISA_NAME {

template <class T>
INLINE Vec<T> over_root(Vec<T> m, Vec<T> v, Vec<T> c, Vec<T> epsilon) {
  return m / fma(root(v), c, epsilon);
}

#if defined(__AVX512F__)
// Root and quotient would hold the divider for 22 cycles a vector. The estimates of AVX-512, refined by multiply-adds to
// the correctly rounded root and quotient (Markstein, Computation of elementary functions on the IBM RISC System/6000,
// 1990), take two thirds of that, and being correctly rounded do not depend on whose estimates they were.
template <>
INLINE Vec<float> over_root<float>(Vec<float> m, Vec<float> v, Vec<float> c, Vec<float> epsilon) {
  const Vec<float> above_zero = max(set(1e-37f), v);  // the estimate of 0 is infinite
  const Vec<float> estimate = (Vec<float>)_mm512_rsqrt14_ps((__m512)above_zero);
  Vec<float> s = v * estimate, half = estimate * set(0.5f);  // s → √v, half → 1/(2√v)
  const Vec<float> off = minus(set(0.5f), s, half);
  s = fma(s, off, s);
  half = fma(half, off, half);
  s = fma(minus(v, s, s), half, s);
  const Vec<float> d = fma(s, c, epsilon);
  Vec<float> inverse = (Vec<float>)_mm512_rcp14_ps((__m512)d);
  inverse = fma(minus(set(1.0f), d, inverse), inverse, inverse);
  const Vec<float> q = m * inverse;
  return fma(minus(m, d, q), inverse, q);
}
#endif

}  // namespace backlit::BACKLIT_ISA_NAME
