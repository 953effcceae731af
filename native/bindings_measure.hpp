// The lens's own functions: sums of a pass and of updates that somebody else made.
#pragma once
#include <memory>

#include "bindings_arrays.hpp"
#include "core/dispatch.hpp"
#include "core/measure.hpp"

namespace {

template <class T>
struct PyMeasure {
  std::vector<LayerSpec> specs;
  int capacity;
  std::unique_ptr<Measure<T>> measure;

  PyMeasure(const std::vector<std::int64_t>& sizes, const std::vector<int>& activations, std::int64_t rows)
      : specs(layer_specs(sizes, activations, std::vector<double>(activations.size()))), capacity(int(rows)) {
    check(rows >= 1 && rows < (1 << 26), "rows must lie between 1 and 2^26");
    measure = std::make_unique<Measure<T>>(*kernels<T>(), specs, capacity);
  }

  // Under the GIL: one caller at a time, and too short to let it go.
  void over_rows(Matrix<const T> x, const List<const T>& z, const List<const T>& sigma, const List<const T>& a,
                 const List<const T>& delta, Vector<double> sums, Vector<T> row_gradients) {
    const std::size_t m = x.shape(0);
    check(m >= 1 && m <= std::size_t(capacity), "x has no rows, or more than there is room for");
    check(x.shape(1) == std::size_t(specs.front().inputs), "x must be as wide as the input layer");
    for (const List<const T>* list : {&z, &sigma, &a, &delta}) {
      check(list->size() == specs.size(), "one array for each layer from 2 on");
      for (std::size_t l = 0; l < specs.size(); ++l)
        check((*list)[l].shape(0) == m && (*list)[l].shape(1) == std::size_t(specs[l].neurons), "arrays of (m, n_l)");
    }
    check(sums.size() == specs.size() * std::size_t(STATISTICS) && row_gradients.size() == m, "the room must fit");
    std::vector<LayerRows<T>> layers;
    for (std::size_t l = 0; l < specs.size(); ++l) {
      const bool has_sigma = specs[l].activation == Activation::relu;  // in z
      const T* from = has_sigma ? z[l].data() : sigma[l].data();
      layers.push_back({z[l].data(), from, a[l].data() == sigma[l].data() ? from : a[l].data(), delta[l].data()});
    }
    measure->over_rows(int(m), x.data(), layers, sums.data(), row_gradients.data());
  }
};

// Σ g², θ², Δθ² and g Δθ of each of some vectors; afterwards `before` holds what `after` holds.
template <class T>
void measure_update(const std::vector<Vector<T>>& before, const std::vector<Vector<const T>>& after,
                     const std::vector<Vector<const T>>& gradients, Matrix<double> sums) {
  check(before.size() == after.size() && before.size() == gradients.size() && before.size() == sums.shape(0) &&
            sums.shape(1) == 4,
        "as many of before, after, gradients and rows of four sums");
  for (std::size_t k = 0; k < before.size(); ++k)
    check(before[k].size() == after[k].size() && before[k].size() == gradients[k].size(),
          "before, after and gradient must be of one length");
  nb::gil_scoped_release released;
  for (std::size_t k = 0; k < before.size(); ++k)
    kernels<T>()->measure_update(before[k].data(), after[k].data(), gradients[k].data(),
                                 std::ptrdiff_t(before[k].size()), sums.data() + 4 * k);
}

template <class T>
void declare_measure(nb::module_& module, const char* suffix) {
  using M = PyMeasure<T>;
  nb::class_<M>(module, (std::string("Measure") + suffix).c_str())
      .def(nb::init<const std::vector<std::int64_t>&, const std::vector<int>&, std::int64_t>(), "sizes"_a,
           "activations"_a, "rows"_a)
      .def("over_rows", &M::over_rows, "x"_a.noconvert(), "z"_a.noconvert(), "sigma"_a.noconvert(), "a"_a.noconvert(),
           "delta"_a.noconvert(), "sums"_a.noconvert(), "row_gradients"_a.noconvert());
  module.def((std::string("measure_update") + suffix).c_str(), &measure_update<T>, "before"_a.noconvert(),
             "after"_a.noconvert(), "gradients"_a.noconvert(), "sums"_a.noconvert());
}

}  // namespace
