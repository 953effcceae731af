// The table of kernels of one instruction set. Compiled once for each, with its own flags and BACKLIT_ISA_NAME; nothing
// of the standard library is instantiated here, lest code for one instruction set be linked where another runs.
#include "backpropagate_error.hpp"
#include "feed_forward.hpp"
#include "output_error.hpp"
#include "single_row.hpp"
#include "statistics.hpp"
#include "weight_gradient.hpp"

namespace backlit {
namespace BACKLIT_ISA_NAME {

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

// What the tests of accuracy ask for, numbered as in tests/engines/test_native_maths.py.
template <class T>
void function(int which, const T* from, T* to, int count) {
  for (int k = 0; k < count; k += LANES<T>) {
    const int left = count - k < LANES<T> ? count - k : LANES<T>;
    const Vec<T> x = load_first(from + k, left);
    Vec<T> y = x;
    switch (which) {
      case 0: y = exp<T>(x); break;
      case 1: y = expm1<T>(x); break;
      case 2: y = log<T>(x); break;
      case 3: y = log1p<T>(x); break;
      case 4: y = tanh<T>(x); break;
      case 5: y = sigmoid<T>(x); break;
      case 6: y = normal_distribution<T>(x); break;
    }
    store_first(to + k, y, left);
  }
}

template <class T>
double multiply_adds(std::int64_t repeats) {
  constexpr int CHAINS = BYTES == 64 ? 24 : 12;
  Vec<T> sums[CHAINS];
  const Vec<T> a = set(T(0.5)), b = set(T(1e-3));
  UNROLL
  for (int c = 0; c < CHAINS; ++c) sums[c] = set(T(c));
  for (std::int64_t i = 0; i < repeats; ++i) {
    UNROLL
    for (int c = 0; c < CHAINS; ++c) sums[c] = fma(sums[c], a, b);
    asm volatile("");
  }
  Vec<T> all = sums[0];
  UNROLL
  for (int c = 1; c < CHAINS; ++c) all = all + sums[c];
  volatile T keep = all[0];
  (void)keep;
  return 2.0 * CHAINS * LANES<T> * double(repeats);
}

template <class T>
const Kernels<T> table = {
    TEXT(BACKLIT_ISA_NAME),
    PANEL<T>,
    LANES<T>,
    nullptr,
    nullptr,
    nullptr,
    feed_forward_items<T>,
    feed_forward<T>,
    single_row_items<T>,
    single_row<T>,
    softmax<T>,
    output_error<T>,
    backpropagate_error_items<T>,
    backpropagate_error<T>,
    weight_gradient_items<T>,
    weight_gradient<T>,
    update<T>,
    gradient_square<T>,
    weight_rows<T>,
    measure_pass_items<T>,
    measure_pass<T>,
    finish_pass<T>,
    add_observed<T>,
    measure_update<T>,
    gather<T>,
    scatter<T>,
    repack_items<T>,
    pack<T>,
    unpack<T>,
    function<T>,
    multiply_adds<T>,
};

}  // namespace BACKLIT_ISA_NAME

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
template <class T>
const Kernels<T>* JOIN(kernels_, BACKLIT_ISA_NAME)() {
  return &BACKLIT_ISA_NAME::table<T>;
}
template const Kernels<float>* JOIN(kernels_, BACKLIT_ISA_NAME)<float>();
template const Kernels<double>* JOIN(kernels_, BACKLIT_ISA_NAME)<double>();

}  // namespace backlit
