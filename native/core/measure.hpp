// What the lens keeps of a step, and the room it takes to find it out. Layers and sums as in kernels/statistics.hpp.
#pragma once
#include "pass.hpp"

namespace backlit {

// Where the statistics of the steps to be measured go, one step after the other.
struct Measurements {
  const std::uint8_t* wanted;  // (steps,) of a run, 1 where the step is measured
  double* layers;              // (measured steps, layers, STATISTICS)
  float *row_costs, *row_gradients;  // one number a row of each measured step
};

// A layer of a pass that somebody else made: (m, n_l) each, row by row; a is σ itself where nothing drops.
template <class T>
struct LayerRows {
  const T *z, *sigma, *a, *delta;
};

template <class T>
class Measure {
 public:
  Measure(const Kernels<T>& kernels, const std::vector<LayerSpec>& specs, int capacity);

  void over_pass(Crew& crew, const Pass<T>& pass);                // z, a and δ; before the update
  void observe(std::vector<WeightGradient<T>>& work);             // gives the update places for what is seen of it
  void hand_over(const Pass<T>& pass, const std::vector<WeightGradient<T>>& work, double learning_rate,
                 Measurements& to);  // after the update

  // The sums of somebody else's pass, the update's left as they are, and ‖∇C_x‖ of its rows; m at most the capacity.
  void over_rows(int m, const T* x, const std::vector<LayerRows<T>>& layers, double* sums, T* row_gradients);

 private:
  Panels<const T> into_panels(std::size_t room, const T* rows, int m, int columns);

  const Kernels<T>& kernels_;
  std::vector<MeasuredLayer<T>> layers_;
  std::vector<Buffer<T>> stirred_, observed_;
  Buffer<double> sums_;
  Buffer<T> row_gradients_, ones_;
  std::vector<Buffer<T>> rooms_;  // panels of somebody else's arrays
  std::ptrdiff_t capacity_;
  double numbers_ = 0;  // in z, a and δ of one row
  MeasurePass<T> pass_{};
};

}  // namespace backlit
