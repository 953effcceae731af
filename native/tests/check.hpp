// The few words a test needs: CHECK counts, and says where.
#pragma once
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "../naive/equations.hpp"

namespace backlit::tests {

inline int checks = 0, failures = 0;

#define CHECK(right, ...)                                          \
  do {                                                             \
    ++backlit::tests::checks;                                      \
    if (!(right)) {                                                \
      ++backlit::tests::failures;                                  \
      std::printf("%s:%d: %s: ", __FILE__, __LINE__, #right);      \
      std::printf(__VA_ARGS__);                                    \
      std::printf("\n");                                           \
    }                                                              \
  } while (false)

inline naive::Matrix random_matrix(int rows, int columns, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  naive::Matrix matrix(rows, columns);
  for (double& number : matrix.numbers) number = double(normal(generator));
  return matrix;
}

template <class T>
std::vector<T> as(const naive::Matrix& matrix) {
  return std::vector<T>(matrix.numbers.begin(), matrix.numbers.end());
}

// ‖found - right‖ / ‖right‖
template <class T>
double distance(const std::vector<T>& found, const std::vector<double>& right) {
  double off = 0, scale = 0;
  for (std::size_t k = 0; k < right.size(); ++k) {
    off += (double(found[k]) - right[k]) * (double(found[k]) - right[k]);
    scale += right[k] * right[k];
  }
  return scale > 0 ? std::sqrt(off / scale) : std::sqrt(off);
}

void test_kernels();
void test_session();
void test_statistics();

}  // namespace backlit::tests
