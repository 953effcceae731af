// A training under way: steps of mini-batch gradient descent, one after the other, without leaving this library.
#pragma once
#include <algorithm>
#include <cmath>

#include "measure.hpp"

namespace backlit {

struct OptimizerSpec {
  Rule rule;
  double decay_1, decay_2;  // μ, ρ or β₁; β₂
  double epsilon;
  double weight_decay;  // adamw's
};

template <class T>
struct DataView {
  const T *X, *Y, *row_weights;  // (rows, n_1), (rows, n_L), (rows,)
  std::int64_t rows;
  Decision decision;
};

struct PlanSpec {
  OptimizerSpec optimizer;
  std::int64_t batch_size;
  std::uint64_t seed;
  double clip;  // largest global norm; below 0: no clipping
};

// What some steps came to, (count,) each.
struct Report {
  double *costs, *hits, *weights;
};

template <class T>
class Session {
 public:
  Session(const Kernels<T>& kernels, std::vector<LayerSpec> specs, ObjectiveSpec objective, DataView<T> data,
          PlanSpec plan);

  // θ and the optimizer's slots, each laid out as network.parameters.
  void load(const T* theta, const std::vector<const T*>& slots);
  void store(T* theta, const std::vector<T*>& slots);

  // Steps `step` … of one epoch: the batches from number `place` on, in this order of rows (null: as they lie).
  // Returns how many were made before the poll said stop. Steps that are wanted are measured on the way.
  std::int64_t run(const std::int64_t* order, std::int64_t place, std::int64_t step, std::int64_t count,
                   const double* learning_rates, Report report, const Crew::Poll& poll,
                   Measurements* measurements = nullptr);

  // One step of which everything is kept: read it from pass(), gradient() and norm().
  void run_recorded(const std::int64_t* order, std::int64_t place, std::int64_t step, double learning_rate,
                    Report report);
  const Pass<T>& pass() const { return *recorded_; }
  void copy_gradient(T* to) const;
  double norm() const { return norm_; }

  int slots() const { return slots_of(plan_.optimizer.rule); }
  std::int64_t rows() const { return data_.rows; }
  std::int64_t steps_per_epoch() const { return (data_.rows + batch_ - 1) / batch_; }
  std::int64_t batch_rows(std::int64_t place) const { return std::min(batch_, data_.rows - place * batch_); }
  std::size_t parameter_count() const;
  const std::vector<LayerSpec>& specs() const { return specs_; }

 private:
  double step_flops() const;
  Gather<T> ahead(const std::int64_t* order, std::int64_t next, int half) const;
  Update<T> update_at(std::int64_t step, double learning_rate) const;
  void step(Crew& crew, Pass<T>& pass, const std::int64_t* order, std::int64_t place, std::int64_t step,
            double learning_rate, bool keep_gradient, Report report, std::int64_t at, Measurements* measurements);
  Pass<T>& everything();
  std::vector<WeightGradient<T>> gradient_work(const Pass<T>& pass, const Update<T>& update, bool keep);
  double global_norm(Crew& crew, const std::vector<WeightGradient<T>>& work) const;

  const Kernels<T>& kernels_;
  std::vector<LayerSpec> specs_;
  ObjectiveSpec objective_;
  DataView<T> data_;
  PlanSpec plan_;
  std::int64_t batch_;
  bool weighted_ = false, drops_ = false;
  Parameters<T> parameters_, gradient_;
  std::vector<Parameters<T>> slots_state_;
  std::unique_ptr<Pass<T>> pass_, recorded_;
  std::unique_ptr<Measure<T>> measure_;
  double norm_ = 0;
};

}  // namespace backlit
