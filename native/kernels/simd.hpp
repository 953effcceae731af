// One vector of numbers, on any instruction set: compiler vector types (which have + - * / and comparisons) and the few
// operations they lack. Everything in kernels/ lives in a namespace named after its instruction set, so that code
// compiled for one can never be linked into another's.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#ifndef BACKLIT_ISA_NAME
#error "compile kernels/kernels.cpp with -DBACKLIT_ISA_NAME=v2 (v3, v4, neon) and the flags of that instruction set"
#endif

#define UNROLL _Pragma("GCC unroll 64")
#define INLINE inline __attribute__((always_inline))

namespace backlit::BACKLIT_ISA_NAME {

// A tile of WIDTH vectors × most_rows(WIDTH) rows, with one row of b and one broadcast number, fills the registers.
#if defined(__AVX512F__)
constexpr int BYTES = 64, WIDTH = 3;
constexpr int most_rows(int vectors) { return vectors == 3 ? 9 : vectors == 2 ? 14 : 16; }
#elif defined(__AVX2__)
constexpr int BYTES = 32, WIDTH = 2;
constexpr int most_rows(int vectors) { return vectors == 2 ? 6 : 8; }
#elif defined(__aarch64__)
constexpr int BYTES = 16, WIDTH = 3;
constexpr int most_rows(int vectors) { return vectors == 3 ? 8 : 12; }
#else
constexpr int BYTES = 16, WIDTH = 2;
constexpr int most_rows(int vectors) { return vectors == 2 ? 4 : 8; }
#endif

template <class T>
struct Types;
template <>
struct Types<float> {
  typedef float V __attribute__((vector_size(BYTES)));
  typedef std::int32_t I __attribute__((vector_size(BYTES)));
  static constexpr int MANTISSA = 23, BIAS = 127;
};
template <>
struct Types<double> {
  typedef double V __attribute__((vector_size(BYTES)));
  typedef std::int64_t I __attribute__((vector_size(BYTES)));
  static constexpr int MANTISSA = 52, BIAS = 1023;
};

template <class T>
using Vec = typename Types<T>::V;
template <class T>
using Int = typename Types<T>::I;
template <class T>
constexpr int LANES = BYTES / int(sizeof(T));
template <class T>
constexpr int PANEL = WIDTH * LANES<T>;  // columns of a panel

template <class T>
INLINE Vec<T> load(const T* p) {
  Vec<T> v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
INLINE void store(T* p, Vec<T> v) {
  std::memcpy(p, &v, sizeof v);
}
// The first `count` numbers, zeros after them; reads nothing beyond.
template <class T>
INLINE Vec<T> load_first(const T* p, int count) {
  alignas(BYTES) T numbers[LANES<T>] = {};
  for (int i = 0; i < count; ++i) numbers[i] = p[i];
  return load(numbers);
}
template <class T>
INLINE void store_first(T* p, Vec<T> v, int count) {
  alignas(BYTES) T numbers[LANES<T>];
  store(numbers, v);
  for (int i = 0; i < count; ++i) p[i] = numbers[i];
}

// The blocks of 16 bytes at p, p + step, …, one behind the other in a vector.
template <class T>
INLINE Vec<T> load_blocks(const T* p, [[maybe_unused]] std::ptrdiff_t step) {
#if defined(__AVX512F__)
  auto block = [=](int k) { return _mm_loadu_ps(reinterpret_cast<const float*>(p + k * step)); };
  __m512 v = _mm512_castps128_ps512(block(0));
  v = _mm512_insertf32x4(v, block(1), 1);
  v = _mm512_insertf32x4(v, block(2), 2);
  return (Vec<T>)_mm512_insertf32x4(v, block(3), 3);
#elif defined(__AVX2__)
  auto block = [=](int k) { return _mm_loadu_ps(reinterpret_cast<const float*>(p + k * step)); };
  return (Vec<T>)_mm256_insertf128_ps(_mm256_castps128_ps256(block(0)), block(1), 1);
#else
  return load(p);
#endif
}

// Of two vectors, block of 16 bytes by block: their lower (upper) numbers in turn, a's first.
template <class T, bool UPPER, int GROUP, std::size_t... J>
INLINE Vec<T> interleave(Vec<T> a, Vec<T> b, std::index_sequence<J...>) {
  constexpr int BLOCK = 16 / int(sizeof(T)), HALF = UPPER ? BLOCK / 2 : 0;
  return __builtin_shufflevector(
      a, b, (int(J) / BLOCK * BLOCK + HALF + int(J) % BLOCK / (2 * GROUP) * GROUP + int(J) % GROUP +
             (int(J) / GROUP % 2 ? LANES<T> : 0))...);
}
// out[k] = the k-th number of every block of each vector: squares of a block's width, turned.
INLINE void turn_blocks(const Vec<float> (&row)[4], Vec<float>* out) {
  using Lanes = std::make_index_sequence<LANES<float>>;
  const Vec<float> low = interleave<float, false, 1>(row[0], row[1], Lanes{}), high = interleave<float, true, 1>(row[0], row[1], Lanes{}),
                   low2 = interleave<float, false, 1>(row[2], row[3], Lanes{}), high2 = interleave<float, true, 1>(row[2], row[3], Lanes{});
  out[0] = interleave<float, false, 2>(low, low2, Lanes{}), out[1] = interleave<float, true, 2>(low, low2, Lanes{});
  out[2] = interleave<float, false, 2>(high, high2, Lanes{}), out[3] = interleave<float, true, 2>(high, high2, Lanes{});
}
INLINE void turn_blocks(const Vec<double> (&row)[2], Vec<double>* out) {
  using Lanes = std::make_index_sequence<LANES<double>>;
  out[0] = interleave<double, false, 1>(row[0], row[1], Lanes{}), out[1] = interleave<double, true, 1>(row[0], row[1], Lanes{});
}

// max and min give their second argument where either is not a number, so a NaN there stays visible.
#if defined(__AVX512F__)
INLINE Vec<float> set(float x) { return (Vec<float>)_mm512_set1_ps(x); }
INLINE Vec<double> set(double x) { return (Vec<double>)_mm512_set1_pd(x); }
INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return (Vec<float>)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return (Vec<double>)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c); }
INLINE Vec<float> root(Vec<float> a) { return (Vec<float>)_mm512_sqrt_ps((__m512)a); }
INLINE Vec<double> root(Vec<double> a) { return (Vec<double>)_mm512_sqrt_pd((__m512d)a); }
INLINE Vec<float> max(Vec<float> a, Vec<float> b) { return (Vec<float>)_mm512_max_ps((__m512)a, (__m512)b); }
INLINE Vec<double> max(Vec<double> a, Vec<double> b) { return (Vec<double>)_mm512_max_pd((__m512d)a, (__m512d)b); }
INLINE Vec<float> min(Vec<float> a, Vec<float> b) { return (Vec<float>)_mm512_min_ps((__m512)a, (__m512)b); }
INLINE Vec<double> min(Vec<double> a, Vec<double> b) { return (Vec<double>)_mm512_min_pd((__m512d)a, (__m512d)b); }
#elif defined(__AVX2__)
INLINE Vec<float> set(float x) { return (Vec<float>)_mm256_set1_ps(x); }
INLINE Vec<double> set(double x) { return (Vec<double>)_mm256_set1_pd(x); }
INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return (Vec<float>)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return (Vec<double>)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c); }
INLINE Vec<float> root(Vec<float> a) { return (Vec<float>)_mm256_sqrt_ps((__m256)a); }
INLINE Vec<double> root(Vec<double> a) { return (Vec<double>)_mm256_sqrt_pd((__m256d)a); }
INLINE Vec<float> max(Vec<float> a, Vec<float> b) { return (Vec<float>)_mm256_max_ps((__m256)a, (__m256)b); }
INLINE Vec<double> max(Vec<double> a, Vec<double> b) { return (Vec<double>)_mm256_max_pd((__m256d)a, (__m256d)b); }
INLINE Vec<float> min(Vec<float> a, Vec<float> b) { return (Vec<float>)_mm256_min_ps((__m256)a, (__m256)b); }
INLINE Vec<double> min(Vec<double> a, Vec<double> b) { return (Vec<double>)_mm256_min_pd((__m256d)a, (__m256d)b); }
#elif defined(__x86_64__)
INLINE Vec<float> set(float x) { return (Vec<float>)_mm_set1_ps(x); }
INLINE Vec<double> set(double x) { return (Vec<double>)_mm_set1_pd(x); }
// Without a multiply-add instruction the product is rounded on its own.
INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return a * b + c; }
INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return a * b + c; }
INLINE Vec<float> root(Vec<float> a) { return (Vec<float>)_mm_sqrt_ps((__m128)a); }
INLINE Vec<double> root(Vec<double> a) { return (Vec<double>)_mm_sqrt_pd((__m128d)a); }
INLINE Vec<float> max(Vec<float> a, Vec<float> b) { return (Vec<float>)_mm_max_ps((__m128)a, (__m128)b); }
INLINE Vec<double> max(Vec<double> a, Vec<double> b) { return (Vec<double>)_mm_max_pd((__m128d)a, (__m128d)b); }
INLINE Vec<float> min(Vec<float> a, Vec<float> b) { return (Vec<float>)_mm_min_ps((__m128)a, (__m128)b); }
INLINE Vec<double> min(Vec<double> a, Vec<double> b) { return (Vec<double>)_mm_min_pd((__m128d)a, (__m128d)b); }
#elif defined(__aarch64__)
INLINE Vec<float> set(float x) { return (Vec<float>)vdupq_n_f32(x); }
INLINE Vec<double> set(double x) { return (Vec<double>)vdupq_n_f64(x); }
INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return (Vec<float>)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return (Vec<double>)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b); }
INLINE Vec<float> root(Vec<float> a) { return (Vec<float>)vsqrtq_f32((float32x4_t)a); }
INLINE Vec<double> root(Vec<double> a) { return (Vec<double>)vsqrtq_f64((float64x2_t)a); }
// fmax and fmin of this instruction set give NaN where either argument is one.
INLINE Vec<float> max(Vec<float> a, Vec<float> b) { return (Vec<float>)vmaxq_f32((float32x4_t)a, (float32x4_t)b); }
INLINE Vec<double> max(Vec<double> a, Vec<double> b) { return (Vec<double>)vmaxq_f64((float64x2_t)a, (float64x2_t)b); }
INLINE Vec<float> min(Vec<float> a, Vec<float> b) { return (Vec<float>)vminq_f32((float32x4_t)a, (float32x4_t)b); }
INLINE Vec<double> min(Vec<double> a, Vec<double> b) { return (Vec<double>)vminq_f64((float64x2_t)a, (float64x2_t)b); }
#endif

// c - a·b
#if defined(__AVX512F__)
INLINE Vec<float> minus(Vec<float> c, Vec<float> a, Vec<float> b) { return (Vec<float>)_mm512_fnmadd_ps((__m512)a, (__m512)b, (__m512)c); }
INLINE Vec<double> minus(Vec<double> c, Vec<double> a, Vec<double> b) { return (Vec<double>)_mm512_fnmadd_pd((__m512d)a, (__m512d)b, (__m512d)c); }
#else
INLINE Vec<float> minus(Vec<float> c, Vec<float> a, Vec<float> b) { return fma(-a, b, c); }
INLINE Vec<double> minus(Vec<double> c, Vec<double> a, Vec<double> b) { return fma(-a, b, c); }
#endif

template <class T>
INLINE Int<T> bits(Vec<T> v) { return (Int<T>)v; }
template <class T>
INLINE Vec<T> numbers(Int<T> i) { return (Vec<T>)i; }

template <class T>
INLINE Vec<T> absolute(Vec<T> v) {
  return numbers<T>(bits<T>(v) & ~bits<T>(set(T(-0.0))));
}
// magnitude of a (not negative) with the sign of b
template <class T>
INLINE Vec<T> with_sign(Vec<T> a, Vec<T> b) {
  return numbers<T>(bits<T>(a) | (bits<T>(b) & bits<T>(set(T(-0.0)))));
}

// To the nearest whole number, for |v| < 2^(MANTISSA-1).
template <class T>
INLINE Vec<T> nearest(Vec<T> v) {
  const Vec<T> magic = set(T(1.5) * T(std::int64_t(1) << Types<T>::MANTISSA));
  return (v + magic) - magic;
}

// 2^n for whole n from -BIAS+1 to BIAS: n is added to the exponent's place by way of a number whose unit is 1.
template <class T>
INLINE Vec<T> power_of_two(Vec<T> n) {
  const T magic = T(1.5) * T(std::int64_t(1) << Types<T>::MANTISSA) + T(Types<T>::BIAS);
  return numbers<T>(bits<T>(n + set(magic)) << Types<T>::MANTISSA);
}

// Horizontal sum and maximum of the first `count` lanes, in the order of the lanes.
template <class T>
INLINE T sum_lanes(Vec<T> v, int count) {
  alignas(BYTES) T x[LANES<T>];
  store(x, v);
  T total = x[0];
  for (int i = 1; i < count; ++i) total += x[i];
  return total;
}

}  // namespace backlit::BACKLIT_ISA_NAME
