#include "session.hpp"

#include <algorithm>

namespace backlit {

template <class T>
Session<T>::Session(const Kernels<T>& kernels, std::vector<LayerSpec> specs, ObjectiveSpec objective, DataView<T> data,
                    PlanSpec plan)
    : kernels_(kernels),
      specs_(std::move(specs)),
      objective_(objective),
      data_(data),
      plan_(plan),
      batch_(std::min<std::int64_t>(plan.batch_size, data.rows)),
      parameters_(kernels, specs_, true, int(batch_)) {
  for (std::int64_t i = 0; i < data.rows; ++i) weighted_ |= data.row_weights[i] != T(1);
  for (const LayerSpec& spec : specs_) drops_ |= spec.dropout > 0;
  for (int k = 0; k < slots(); ++k) slots_state_.emplace_back(kernels, specs_, false);
  pass_ = std::make_unique<Pass<T>>(kernels, specs_, int(batch_), typename Pass<T>::Wants{true, false, drops_, weighted_, int(batch_)});
}

template <class T>
std::size_t Session<T>::parameter_count() const {
  std::size_t count = 0;
  for (const LayerSpec& spec : specs_) count += std::size_t(spec.neurons) * (std::size_t(spec.inputs) + 1);
  return count;
}

template <class T>
double Session<T>::step_flops() const {
  return 6.0 * double(parameter_count()) * double(batch_);
}

template <class T>
void Session<T>::load(const T* theta, const std::vector<const T*>& slots) {
  Crew crew(20.0 * double(parameter_count()));
  parameters_.load(crew, theta);
  for (std::size_t k = 0; k < slots.size(); ++k) slots_state_[k].load(crew, slots[k]);
}

template <class T>
void Session<T>::store(T* theta, const std::vector<T*>& slots) {
  Crew crew(20.0 * double(parameter_count()));
  parameters_.store(crew, theta);
  for (std::size_t k = 0; k < slots.size(); ++k) slots_state_[k].store(crew, slots[k]);
}

// The numbers of an update at one step, computed in float64 and rounded once. The step counts from 1.
template <class T>
Update<T> Session<T>::update_at(std::int64_t step, double learning_rate) const {
  const OptimizerSpec& o = plan_.optimizer;
  Update<T> u{};
  u.rule = o.rule;
  u.rate = T(learning_rate);
  u.decay_1 = T(o.decay_1), u.fresh_1 = T(1 - o.decay_1);
  u.decay_2 = T(o.decay_2), u.fresh_2 = T(1 - o.decay_2);
  u.epsilon = T(o.epsilon);
  u.shrink = T(1 - learning_rate * o.weight_decay);
  if (o.rule == Rule::adam || o.rule == Rule::adamw) {
    u.rate = T(learning_rate / (1 - std::pow(o.decay_1, double(step))));
    u.correction = T(1 / std::sqrt(1 - std::pow(o.decay_2, double(step))));
  }
  return u;
}

template <class T>
std::vector<WeightGradient<T>> Session<T>::gradient_work(const Pass<T>& pass, const Update<T>& update, bool keep) {
  std::vector<WeightGradient<T>> work;
  if (keep && !gradient_) gradient_ = Parameters<T>(kernels_, specs_, false);
  for (std::size_t l = 0; l < specs_.size(); ++l) {
    WeightGradient<T> w = pass.weight_gradient(l, parameters_, objective_.penalty);
    for (std::size_t k = 0; k < slots_state_.size(); ++k) {
      w.slots[k] = slots_state_[k][l].weights.get();
      w.bias_slots[k] = slots_state_[k][l].bias.get();
    }
    if (keep) w.gradient = gradient_[l].weights.get(), w.bias_gradient = gradient_[l].bias.get();
    w.update = update;
    work.push_back(w);
  }
  return work;
}

// ‖∂C/∂θ‖ over all layers: each block's sum of squares, added up in the order of the blocks.
template <class T>
double Session<T>::global_norm(Crew& crew, const std::vector<WeightGradient<T>>& work) const {
  double sum = 0;
  for (const WeightGradient<T>& w : work) {
    std::vector<double> squares(std::size_t(kernels_.weight_gradient_items(w)));
    crew.each(int(squares.size()), 4.0 * w.inputs * w.neurons, [&](int begin, int end) {
      for (int item = begin; item < end; ++item) squares[std::size_t(item)] = kernels_.gradient_square(w, item);
    });
    for (double square : squares) sum += square;
  }
  return std::sqrt(sum);
}

// Half of the next batch, for the kernels of layer 2 to fetch towards the cache: one half going there, one coming back.
template <class T>
Gather<T> Session<T>::ahead(const std::int64_t* order, std::int64_t next, int half) const {
  Gather<T> rows{};
  if (!order || next >= data_.rows) return rows;
  const std::int64_t m = std::min(batch_, data_.rows - next);
  const std::int64_t begin = half ? m / 2 : 0, end = half ? m : m / 2;
  rows.rows = data_.X, rows.order = order + next + begin, rows.m = int(end - begin);
  rows.columns = specs_.front().inputs;
  return rows;
}

template <class T>
void Session<T>::step(Crew& crew, Pass<T>& pass, const std::int64_t* order, std::int64_t place, std::int64_t step,
                      double learning_rate, bool keep_gradient, Report report, std::int64_t at,
                      Measurements* measurements) {
  const std::int64_t first = place * batch_;
  const int m = int(std::min(batch_, data_.rows - first));
  const Draw draw{plan_.seed, std::uint64_t(step)};
  pass.gather(crew, data_.X, data_.Y, data_.row_weights, order ? order + first : nullptr, first, m);
  pass.feed_forward(crew, parameters_, drops_ ? &draw : nullptr, ahead(order, first + m, 0));
  pass.output_error(crew, objective_, data_.decision);
  pass.backpropagate_error(crew, parameters_);
  pass.prepare_gradients(crew);

  report.costs[at] = pass.cost_sum();
  report.weights[at] = pass.weight_sum();
  if (data_.decision != Decision::none) report.hits[at] = pass.hit_sum();

  // BP3, BP4 and the update of all layers in one phase: every BP2 has read its W by now.
  const bool clips = plan_.clip >= 0;
  std::vector<WeightGradient<T>> work = gradient_work(pass, update_at(step + 1, learning_rate), keep_gradient || clips);
  work.front().ahead = ahead(order, first + m, 1);
  if (measurements) {
    measure_->over_pass(crew, pass);
    measure_->observe(work);
  }
  const double flops = step_flops() / 3;
  auto all_layers = [&](auto kernel) {
    crew.share(flops, [&](int thread, int threads) {
      for (const WeightGradient<T>& w : work) {
        const int items = kernels_.weight_gradient_items(w);
        kernel(w, Crew::part(items, thread, threads), Crew::part(items, thread + 1, threads));
      }
    });
  };
  all_layers(kernels_.weight_gradient);
  if (keep_gradient || clips) {
    norm_ = global_norm(crew, work);
    if (clips && norm_ > plan_.clip)
      for (WeightGradient<T>& w : work) w.gradient_scale = T(plan_.clip / norm_);
    all_layers(kernels_.update);
  }
  if (measurements) measure_->hand_over(pass, work, learning_rate, *measurements);
}

// The pass that keeps every z too, for the steps that somebody looks at.
template <class T>
Pass<T>& Session<T>::everything() {
  if (!recorded_)
    recorded_ = std::make_unique<Pass<T>>(kernels_, specs_, int(batch_),
                                          typename Pass<T>::Wants{true, true, drops_, weighted_, int(batch_)});
  return *recorded_;
}

template <class T>
std::int64_t Session<T>::run(const std::int64_t* order, std::int64_t place, std::int64_t first_step, std::int64_t count,
                             const double* learning_rates, Report report, const Crew::Poll& poll,
                             Measurements* measurements) {
  if (measurements && !measure_) measure_ = std::make_unique<Measure<T>>(kernels_, specs_, int(batch_));
  Crew crew(step_flops(), poll);
  std::int64_t done = 0;
  try {
    for (; done < count; ++done) {
      crew.maybe_stop();
      const bool measured = measurements && measurements->wanted[done];
      step(crew, measured ? everything() : *pass_, order, place + done, first_step + done, learning_rates[done], false,
           report, done, measured ? measurements : nullptr);
    }
  } catch (const Interrupted&) {
  }
  return done;
}

template <class T>
void Session<T>::run_recorded(const std::int64_t* order, std::int64_t place, std::int64_t first_step,
                              double learning_rate, Report report) {
  Crew crew(step_flops());
  step(crew, everything(), order, place, first_step, learning_rate, true, report, 0, nullptr);
}

template <class T>
void Session<T>::copy_gradient(T* to) const {
  Crew crew(20.0 * double(parameter_count()));
  gradient_.store(crew, to);
}

template class Session<float>;
template class Session<double>;

}  // namespace backlit
