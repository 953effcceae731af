// What the lens sees of an update as it happens: the gradient is never written to memory, so its norm, the update's and
// the weights' are summed in the epilogue, a block at a time, into places of that block's own.
#pragma once
#include "update.hpp"

namespace backlit::BACKLIT_ISA_NAME {

// Sums over a block, in registers while it is updated: g², θ², Δθ², g Δθ, and g² without the penalty.
template <class T>
struct Seen {
  Vec<T> gradient, theta, change, descent, data;
  Seen() : gradient(set(T(0))), theta(gradient), change(gradient), descent(gradient), data(gradient) {}
};

// How to look. Of sgd Δθ = -η g: the sums of g say it all.
template <class T, class Updates>
struct Looks {
  Vec<T> penalty;
  bool penalised;

  INLINE void operator()(Vec<T> before, Vec<T> after, Vec<T> g, Seen<T>& seen) const {
    seen.gradient = fma(g, g, seen.gradient);
    seen.theta = fma(before, before, seen.theta);
    if constexpr (Updates::SLOTS > 0) {
      const Vec<T> change = after - before;
      seen.change = fma(change, change, seen.change);
      seen.descent = fma(g, change, seen.descent);
    }
    if (penalised) {
      const Vec<T> data = g - penalty * before;
      seen.data = fma(data, data, seen.data);
    }
  }
};

template <class T>
INLINE void put(T* observed, const Seen<T>& seen, bool of_weights) {
  store(observed, seen.gradient);
  store(observed + LANES<T>, seen.theta);
  store(observed + 2 * LANES<T>, seen.change);
  store(observed + 3 * LANES<T>, seen.descent);
  if (of_weights) store(observed + 4 * LANES<T>, seen.data);
}

}  // namespace backlit::BACKLIT_ISA_NAME
