// The last equation: θ ← optimizer(θ, ∂C/∂θ), one expression a rule, used by the fused and the unfused form alike.
// The formulas are those of src/backlit/optimizers/.
#pragma once
#include "../core/work.hpp"
#include "over_root.hpp"

namespace backlit::BACKLIT_ISA_NAME {

template <class T, Rule RULE>
struct Updater {
  static constexpr int SLOTS = slots_of(RULE);
  // The numbers of this step, each in a register of its own for as long as a block is updated.
  Vec<T> rate, decay_1, fresh_1, decay_2, fresh_2, correction, epsilon, shrink;

  explicit Updater(const Update<T>& u)
      : rate(set(u.rate)),
        decay_1(set(u.decay_1)),
        fresh_1(set(u.fresh_1)),
        decay_2(set(u.decay_2)),
        fresh_2(set(u.fresh_2)),
        correction(set(u.correction)),
        epsilon(set(u.epsilon)),
        shrink(set(u.shrink)) {}

  // A vector of θ, its gradient, and where its state lies.
  INLINE Vec<T> operator()(Vec<T> theta, Vec<T> g, T* slot_0, T* slot_1) const {
    Vec<T> change;
    return (*this)(theta, g, slot_0, slot_1, change);
  }

  // The same; `change` is what θ changes by before that is rounded into it, for sgd, rmsprop and adam divided by -rate.
  INLINE Vec<T> operator()(Vec<T> theta, Vec<T> g, T* slot_0, T* slot_1, Vec<T>& change) const {
    if constexpr (RULE == Rule::sgd) {
      return minus(theta, rate, change = g);
    } else if constexpr (RULE == Rule::momentum || RULE == Rule::nesterov) {
      const Vec<T> eta_g = g * rate, mu = decay_1;
      const Vec<T> velocity = fma(load(slot_0), mu, -eta_g);
      store(slot_0, velocity);
      const Vec<T> after = RULE == Rule::nesterov ? theta + mu * velocity - eta_g : theta + velocity;
      change = after - theta;
      return after;
    } else if constexpr (RULE == Rule::rmsprop) {
      const Vec<T> square = fma(load(slot_0), decay_1, fresh_1 * (g * g));
      store(slot_0, square);
      return minus(theta, rate, change = over_root<T>(g, square, set(T(1)), epsilon));
    } else {
      const Vec<T> m = fma(load(slot_0), decay_1, g * fresh_1);
      const Vec<T> v = fma(load(slot_1), decay_2, g * g * fresh_2);
      store(slot_0, m);
      store(slot_1, v);
      change = over_root<T>(m, v, correction, epsilon);
      if constexpr (RULE == Rule::adam) return minus(theta, rate, change);
      const Vec<T> after = minus(theta * shrink, rate, change);
      change = after - theta;
      return after;
    }
  }
};

template <class T, class F>
INLINE void with_rule(const Update<T>& u, F f) {
  switch (u.rule) {
    case Rule::sgd: return f(Updater<T, Rule::sgd>(u));
    case Rule::momentum: return f(Updater<T, Rule::momentum>(u));
    case Rule::nesterov: return f(Updater<T, Rule::nesterov>(u));
    case Rule::rmsprop: return f(Updater<T, Rule::rmsprop>(u));
    case Rule::adam: return f(Updater<T, Rule::adam>(u));
    case Rule::adamw: return f(Updater<T, Rule::adamw>(u));
  }
}

}  // namespace backlit::BACKLIT_ISA_NAME
