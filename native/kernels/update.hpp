// The last equation: θ ← optimizer(θ, ∂C/∂θ), one expression a rule, used by the fused and the unfused form alike.
// The formulas are those of src/backlit/optimizers/.
#pragma once
#include "../core/work.hpp"
#include "simd.hpp"

namespace backlit::BACKLIT_ISA_NAME {

template <class T, Rule RULE>
struct Updater {
  static constexpr int SLOTS = slots_of(RULE);
  const Update<T>& u;

  // A vector of θ, its gradient, and where its state lies.
  INLINE Vec<T> operator()(Vec<T> theta, Vec<T> g, T* slot_0, T* slot_1) const {
    if constexpr (RULE == Rule::sgd) {
      return theta - g * set(u.rate);
    } else if constexpr (RULE == Rule::momentum || RULE == Rule::nesterov) {
      const Vec<T> eta_g = g * set(u.rate), mu = set(u.decay_1);
      const Vec<T> velocity = load(slot_0) * mu - eta_g;
      store(slot_0, velocity);
      return RULE == Rule::nesterov ? theta + mu * velocity - eta_g : theta + velocity;
    } else if constexpr (RULE == Rule::rmsprop) {
      const Vec<T> square = fma(load(slot_0), set(u.decay_1), set(u.fresh_1) * (g * g));
      store(slot_0, square);
      return theta - set(u.rate) * g / (root(square) + set(u.epsilon));
    } else {
      const Vec<T> m = fma(load(slot_0), set(u.decay_1), g * set(u.fresh_1));
      const Vec<T> v = fma(load(slot_1), set(u.decay_2), g * g * set(u.fresh_2));
      store(slot_0, m);
      store(slot_1, v);
      const Vec<T> step = m / fma(root(v), set(u.correction), set(u.epsilon));
      return theta * set(u.shrink) - step * set(u.rate);
    }
  }
};

template <class T, class F>
INLINE void with_rule(const Update<T>& u, F f) {
  switch (u.rule) {
    case Rule::sgd: return f(Updater<T, Rule::sgd>{u});
    case Rule::momentum: return f(Updater<T, Rule::momentum>{u});
    case Rule::nesterov: return f(Updater<T, Rule::nesterov>{u});
    case Rule::rmsprop: return f(Updater<T, Rule::rmsprop>{u});
    case Rule::adam: return f(Updater<T, Rule::adam>{u});
  }
}

}  // namespace backlit::BACKLIT_ISA_NAME
