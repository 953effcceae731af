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

// How to look; `change` as the update gives it. Of sgd that is g: its sums say it all.
template <class T, class Updates>
struct Looks {
  Vec<T> penalty;
  bool penalised;

  INLINE void operator()(Vec<T> before, Vec<T> change, Vec<T> g, Seen<T>& seen) const {
    seen.gradient = fma(g, g, seen.gradient);
    seen.theta = fma(before, before, seen.theta);
    if constexpr (Updates::SLOTS > 0) {
      seen.change = fma(change, change, seen.change);
      seen.descent = fma(g, change, seen.descent);
    }
    if (penalised) {
      const Vec<T> data = g - penalty * before;
      seen.data = fma(data, data, seen.data);
    }
  }
};

// A block's sums into its place, in the order of OBSERVED in core/work.hpp.
template <class T>
INLINE void put(T* observed, const Seen<T>& of_weights, const Seen<T>& of_bias) {
  const Vec<T> sums[OBSERVED] = {of_weights.gradient, of_weights.theta, of_weights.change, of_weights.descent + of_bias.descent,
                                 of_weights.data,     of_bias.gradient, of_bias.theta,     of_bias.change};
  UNROLL
  for (int k = 0; k < OBSERVED; ++k) store(observed + k * LANES<T>, sums[k]);
}

}  // namespace backlit::BACKLIT_ISA_NAME
