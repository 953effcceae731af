// What the bindings share: arrays as Python has them, and how a wrong one is refused.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>

#include "core/parameters.hpp"

namespace nb = nanobind;
using namespace nb::literals;
using namespace backlit;

namespace {

template <class T>
using Vector = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Matrix = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using List = std::vector<Matrix<T>>;

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument(what); }

void check(bool right, const char* what) {
  if (!right) refuse(what);
}

template <class E>
E kind(int number, int count, const char* what) {
  if (number < 0 || number >= count) refuse(std::string(what) + " is not one the native engine knows");
  return static_cast<E>(number);
}

std::vector<LayerSpec> layer_specs(const std::vector<std::int64_t>& sizes, const std::vector<int>& activations,
                                   const std::vector<double>& dropout) {
  check(sizes.size() >= 2, "sizes needs an input and an output layer");
  check(activations.size() + 1 == sizes.size(), "activations needs one for each layer but the input");
  check(dropout.size() + 1 == sizes.size(), "dropout needs one for each layer but the input");
  std::vector<LayerSpec> specs;
  for (std::size_t l = 0; l + 1 < sizes.size(); ++l) {
    check(sizes[l] >= 1 && sizes[l + 1] >= 1 && sizes[l] < (1 << 26) && sizes[l + 1] < (1 << 26),
          "sizes must lie between 1 and 2^26");
    check(dropout[l] >= 0 && dropout[l] < 1, "dropout must lie from 0 up to but not including 1");
    const auto activation = kind<Activation>(activations[l], 11, "activation");
    check(activation != Activation::softmax || l + 2 == sizes.size(), "softmax is for the output layer only");
    specs.push_back({int(sizes[l]), int(sizes[l + 1]), activation, dropout[l]});
  }
  check(dropout.back() == 0, "the output layer does not drop");
  return specs;
}

}  // namespace
