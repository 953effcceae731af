// With bindings_*.hpp the one place that knows Python. It checks every array before the core sees a pointer, releases the GIL while the core
// works, and lets a signal stop it.
#include <nanobind/stl/optional.h>

#include <chrono>
#include <optional>

#include "bindings_arrays.hpp"
#include "bindings_measure.hpp"
#include "core/dispatch.hpp"
#include "core/model.hpp"
#include "core/session.hpp"

namespace {

// A signal's exception, caught while the GIL was away, raised when the core has come back.
class Signals {
 public:
  Crew::Poll poll() {
    return [this] {
      nb::gil_scoped_acquire held;
      if (PyErr_CheckSignals() == 0) return false;
      raised_.emplace();
      return true;
    };
  }
  void raise_if_any() {
    if (raised_) throw std::move(*raised_);
  }

 private:
  std::optional<nb::python_error> raised_;
};

// One caller at a time: another thread's call, made while the GIL is away, is refused.
class Once {
 public:
  explicit Once(std::atomic<bool>& busy) : busy_(busy) {
    if (busy_.exchange(true)) throw std::runtime_error("this object is at work in another thread");
  }
  ~Once() { busy_ = false; }

 private:
  std::atomic<bool>& busy_;
};

template <class F>
void without_gil(Signals& signals, F f) {
  try {
    nb::gil_scoped_release released;
    f();
  } catch (const Interrupted&) {
    signals.raise_if_any();
    throw;
  }
}

template <class T>
struct PyModel {
  Model<T> model;
  std::atomic<bool> busy{false};

  PyModel(const std::vector<std::int64_t>& sizes, const std::vector<int>& activations)
      : model(*kernels<T>(), layer_specs(sizes, activations, std::vector<double>(sizes.empty() ? 0 : sizes.size() - 1))) {}

  int check_rows(const Vector<const T>& theta, const Matrix<const T>& X, std::size_t most = 1u << 30) const {
    check(theta.size() == model.parameter_count(), "theta has another length than the network");
    check(X.shape(1) == std::size_t(model.specs().front().inputs), "X has another width than the input layer");
    check(X.shape(0) > 0 && X.shape(0) <= most, "X has no rows, or too many");
    return int(X.shape(0));
  }
  void check_list(const List<T>& list, int m, bool input_first, const char* what) const {
    const auto& specs = model.specs();
    check(list.size() == specs.size() + input_first, what);
    for (std::size_t k = 0; k < list.size(); ++k) {
      const int columns = input_first && k == 0 ? specs[0].inputs : specs[k - input_first].neurons;
      check(list[k].shape(0) == std::size_t(m) && list[k].shape(1) == std::size_t(columns), what);
    }
  }

  void predict(Vector<const T> theta, Matrix<const T> X, Matrix<T> a, std::optional<Matrix<T>> z) {
    check_rows(theta, X, std::size_t(1) << 48);
    auto fits = [&](const Matrix<T>& out) {
      return out.shape(0) == X.shape(0) && out.shape(1) == std::size_t(model.specs().back().neurons);
    };
    check(fits(a) && (!z || fits(*z)), "the output has another shape than (rows of X, outputs)");
    Once once(busy);
    Signals signals;
    const std::int64_t rows = std::int64_t(X.shape(0));
    without_gil(signals, [&] {
      model.predict(theta.data(), X.data(), rows, a.data(), z ? z->data() : nullptr, signals.poll());
    });
  }

  void copy_forward(const List<T>& z, const List<T>& a) const {
    for (std::size_t l = 0; l < z.size(); ++l) model.pass().copy_z(l, z[l].data()), model.pass().copy_a(l, a[l].data());
  }

  void forward_pass(Vector<const T> theta, Matrix<const T> X, const List<T>& z, const List<T>& a) {
    const int m = check_rows(theta, X);
    check_list(z, m, false, "z needs one (m, n_l) for each layer from 2 on");
    check_list(a, m, false, "a needs one (m, n_l) for each layer from 2 on");
    Once once(busy);
    Signals signals;
    without_gil(signals, [&] {
      model.load(theta.data());
      model.feed_forward(X.data(), m, signals.poll());
      copy_forward(z, a);
    });
  }

  void backward_pass(Vector<const T> theta, Matrix<const T> X, Matrix<const T> Y, Vector<const T> row_weights, int cost,
                     bool fused, double penalty, const List<T>& z, const List<T>& a, const List<T>& delta,
                     Vector<T> gradient, Vector<T> row_costs) {
    const int m = check_rows(theta, X);
    check(Y.shape(0) == std::size_t(m) && Y.shape(1) == std::size_t(model.specs().back().neurons),
          "Y must be of shape (rows of X, outputs)");
    check(row_weights.size() == std::size_t(m) && row_costs.size() == std::size_t(m), "one row weight and cost a row");
    check(gradient.size() == model.parameter_count(), "gradient has another length than the network");
    check_list(z, m, false, "z needs one (m, n_l) for each layer from 2 on");
    check_list(a, m, false, "a needs one (m, n_l) for each layer from 2 on");
    check_list(delta, m, false, "delta needs one (m, n_l) for each layer from 2 on");
    const ObjectiveSpec objective{kind<Cost>(cost, 6, "cost"), fused, penalty};
    Once once(busy);
    Signals signals;
    without_gil(signals, [&] {
      model.load(theta.data());
      model.backpropagate(X.data(), Y.data(), row_weights.data(), m, objective, gradient.data(), signals.poll());
      copy_forward(z, a);
      for (std::size_t l = 0; l < delta.size(); ++l) model.pass().copy_delta(l, delta[l].data());
      std::memcpy(row_costs.data(), model.pass().row_costs(), std::size_t(m) * sizeof(T));
    });
  }
};

template <class T>
struct PySession {
  Matrix<const T> X, Y;  // held, so that they outlive the session
  Vector<const T> row_weights;
  std::unique_ptr<Session<T>> session;
  std::atomic<bool> busy{false};
  std::int64_t completed = 0;
  bool loaded = false;

  PySession(const std::vector<std::int64_t>& sizes, const std::vector<int>& activations,
            const std::vector<double>& dropout, int cost, bool fused, double penalty, Matrix<const T> X_,
            Matrix<const T> Y_, Vector<const T> row_weights_, int decision, int rule,
            const std::vector<double>& numbers, std::int64_t batch_size, std::uint64_t seed, double clip)
      : X(X_), Y(Y_), row_weights(row_weights_) {
    std::vector<LayerSpec> specs = layer_specs(sizes, activations, dropout);
    check(X.shape(0) > 0 && X.shape(0) < (1u << 31), "X has no rows, or too many");
    check(X.shape(1) == std::size_t(specs.front().inputs), "X has another width than the input layer");
    check(Y.shape(0) == X.shape(0) && Y.shape(1) == std::size_t(specs.back().neurons), "Y must be of shape (rows of X, outputs)");
    check(row_weights.size() == X.shape(0), "row_weights needs one for each row");
    check(batch_size >= 1, "batch_size must be at least 1");
    check(numbers.size() == 4, "an optimizer has four numbers");
    const DataView<T> data{X.data(), Y.data(), row_weights.data(), std::int64_t(X.shape(0)),
                           kind<Decision>(decision, 3, "decision")};
    const PlanSpec plan{{kind<Rule>(rule, 6, "optimizer"), numbers[0], numbers[1], numbers[2], numbers[3]},
                        batch_size, seed, clip};
    session = std::make_unique<Session<T>>(*kernels<T>(), std::move(specs),
                                           ObjectiveSpec{kind<Cost>(cost, 6, "cost"), fused, penalty}, data, plan);
  }

  template <class U>
  std::vector<U*> pointers(const Vector<U>& theta, const std::vector<Vector<U>>& slots) const {
    check(theta.size() == session->parameter_count(), "theta has another length than the network");
    check(int(slots.size()) <= session->slots(), "the optimizer has fewer slots");
    std::vector<U*> found;
    for (const auto& slot : slots) {
      check(slot.size() == theta.size(), "a slot has another length than theta");
      found.push_back(slot.data());
    }
    return found;
  }

  void load(Vector<const T> theta, const std::vector<Vector<const T>>& slots) {
    const auto to = pointers(theta, slots);
    Once once(busy);
    nb::gil_scoped_release released;
    session->load(theta.data(), to);
    loaded = true;
  }
  void store(Vector<T> theta, const std::vector<Vector<T>>& slots) {
    const auto to = pointers(theta, slots);
    Once once(busy);
    nb::gil_scoped_release released;
    session->store(theta.data(), to);
  }

  const std::int64_t* checked_order(const std::optional<Vector<const std::int64_t>>& order, std::int64_t place,
                                    std::int64_t step, std::int64_t count) const {
    check(loaded, "load the parameters first");
    check(place >= 0 && step >= 0 && count >= 0 && count <= session->steps_per_epoch() &&
              place <= session->steps_per_epoch() - count,
          "these steps do not lie within one epoch");
    if (!order) return nullptr;
    check(std::int64_t(order->size()) == session->rows(), "order needs one number for each row");
    bool inside = true;
    for (std::size_t i = 0; i < order->size(); ++i)
      inside &= std::uint64_t(order->data()[i]) < std::uint64_t(session->rows());
    check(inside, "order holds a number that is no row's");
    return order->data();
  }

  std::int64_t run(std::optional<Vector<const std::int64_t>> order, std::int64_t place, std::int64_t step,
                   Vector<const double> learning_rates, Vector<double> costs, Vector<double> hits,
                   Vector<double> weights, std::optional<Vector<const std::uint8_t>> wanted,
                   std::optional<Vector<double>> layers, std::optional<Vector<float>> row_costs,
                   std::optional<Vector<float>> row_gradients) {
    const std::int64_t count = std::int64_t(learning_rates.size());
    completed = 0;
    const std::int64_t* rows = checked_order(order, place, step, count);
    check(costs.size() == learning_rates.size() && hits.size() == costs.size() && weights.size() == costs.size(),
          "costs, hits and weights need one number a step");
    Measurements measurements{};
    if (wanted) {
      check(layers && row_costs && row_gradients && wanted->size() == costs.size(), "measured steps need room");
      std::size_t steps = 0, batch_rows = 0;
      for (std::int64_t i = 0; i < count; ++i)
        if (wanted->data()[i]) ++steps, batch_rows += std::size_t(session->batch_rows(place + i));
      check(layers->size() == steps * session->specs().size() * std::size_t(STATISTICS) && row_costs->size() == batch_rows &&
                row_gradients->size() == batch_rows,
            "the room for measured steps must fit them");
      measurements = {wanted->data(), layers->data(), row_costs->data(), row_gradients->data()};
    }
    Once once(busy);
    Signals signals;
    without_gil(signals, [&] {
      completed = session->run(rows, place, step, count, learning_rates.data(),
                               Report{costs.data(), hits.data(), weights.data()}, signals.poll(),
                               wanted ? &measurements : nullptr);
    });
    signals.raise_if_any();
    return completed;
  }

  double run_recorded(std::optional<Vector<const std::int64_t>> order, std::int64_t place, std::int64_t step,
                      double learning_rate, Vector<double> costs, Vector<double> hits, Vector<double> weights,
                      const List<T>& z, const List<T>& sigma, const List<T>& a, const List<T>& masks,
                      const List<T>& delta, Matrix<T> x, Vector<T> gradient, Vector<T> row_costs) {
    const std::int64_t* rows = checked_order(order, place, step, 1);
    check(costs.size() == 1 && hits.size() == 1 && weights.size() == 1, "costs, hits and weights need one number");
    const auto& specs = session->specs();
    const std::size_t m = x.shape(0);
    check(std::int64_t(m) == session->batch_rows(place), "x must have the batch's rows");
    check(x.shape(1) == std::size_t(specs.front().inputs), "x must be as wide as the input layer");
    for (const List<T>* list : {&z, &sigma, &a, &masks, &delta}) {
      check(list->size() == specs.size(), "one array for each layer from 2 on");
      for (std::size_t l = 0; l < specs.size(); ++l)
        check((*list)[l].shape(0) == m && (*list)[l].shape(1) == std::size_t(specs[l].neurons), "arrays of (m, n_l)");
    }
    check(gradient.size() == session->parameter_count() && row_costs.size() == m, "gradient and row_costs must fit");
    Once once(busy);
    nb::gil_scoped_release released;
    session->run_recorded(rows, place, step, learning_rate, Report{costs.data(), hits.data(), weights.data()});
    const Pass<T>& pass = session->pass();
    pass.copy_x(x.data());
    for (std::size_t l = 0; l < specs.size(); ++l) {
      pass.copy_z(l, z[l].data());
      pass.copy_sigma(l, sigma[l].data());
      pass.copy_a(l, a[l].data());
      if (specs[l].dropout > 0) pass.copy_mask(l, masks[l].data());
      pass.copy_delta(l, delta[l].data());
    }
    session->copy_gradient(gradient.data());
    std::memcpy(row_costs.data(), pass.row_costs(), m * sizeof(T));
    return session->norm();
  }
};

template <class T>
void declare(nb::module_& module, const char* suffix) {
  using M = PyModel<T>;
  nb::class_<M>(module, (std::string("Model") + suffix).c_str())
      .def(nb::init<const std::vector<std::int64_t>&, const std::vector<int>&>(), "sizes"_a, "activations"_a)
      .def("predict", &M::predict, "theta"_a.noconvert(), "X"_a.noconvert(), "a"_a.noconvert(), "z"_a.noconvert() = nb::none())
      .def("forward_pass", &M::forward_pass, "theta"_a.noconvert(), "X"_a.noconvert(), "z"_a.noconvert(), "a"_a.noconvert())
      .def("backward_pass", &M::backward_pass, "theta"_a.noconvert(), "X"_a.noconvert(), "Y"_a.noconvert(),
           "row_weights"_a.noconvert(), "cost"_a, "fused"_a, "penalty"_a, "z"_a.noconvert(), "a"_a.noconvert(),
           "delta"_a.noconvert(), "gradient"_a.noconvert(), "row_costs"_a.noconvert())
      .def_prop_ro("isa", [](const M& m) { return m.model.kernels().isa; });
  using S = PySession<T>;
  nb::class_<S>(module, (std::string("Session") + suffix).c_str())
      .def(nb::init<const std::vector<std::int64_t>&, const std::vector<int>&, const std::vector<double>&, int, bool,
                    double, Matrix<const T>, Matrix<const T>, Vector<const T>, int, int, const std::vector<double>&,
                    std::int64_t, std::uint64_t, double>(),
           "sizes"_a, "activations"_a, "dropout"_a, "cost"_a, "fused"_a, "penalty"_a, "X"_a.noconvert(),
           "Y"_a.noconvert(), "row_weights"_a.noconvert(), "decision"_a, "rule"_a, "numbers"_a, "batch_size"_a,
           "seed"_a, "clip"_a)
      .def("load", &S::load, "theta"_a.noconvert(), "slots"_a.noconvert())
      .def("store", &S::store, "theta"_a.noconvert(), "slots"_a.noconvert())
      .def("run", &S::run, "order"_a.noconvert().none(), "place"_a, "step"_a, "learning_rates"_a.noconvert(),
           "costs"_a.noconvert(), "hits"_a.noconvert(), "weights"_a.noconvert(),
           "wanted"_a.noconvert() = nb::none(), "layers"_a.noconvert() = nb::none(),
           "row_costs"_a.noconvert() = nb::none(), "row_gradients"_a.noconvert() = nb::none())
      .def("run_recorded", &S::run_recorded, "order"_a.noconvert().none(), "place"_a, "step"_a, "learning_rate"_a,
           "costs"_a.noconvert(), "hits"_a.noconvert(), "weights"_a.noconvert(), "z"_a.noconvert(),
           "sigma"_a.noconvert(), "a"_a.noconvert(), "masks"_a.noconvert(), "delta"_a.noconvert(), "x"_a.noconvert(),
           "gradient"_a.noconvert(), "row_costs"_a.noconvert())
      .def_ro("completed", &S::completed);
  declare_measure<T>(module, suffix);
  module.def((std::string("function") + suffix).c_str(), [](int which, Vector<const T> x, Vector<T> out) {
    check(x.size() == out.size(), "x and out must be of one length");
    kernels<T>()->function(which, x.data(), out.data(), int(x.size()));
  }, "which"_a, "x"_a.noconvert(), "out"_a.noconvert());
}

// Flops a second of `threads` threads that do nothing but multiply-adds in registers.
double peak_flops(int threads, bool single, double seconds) {
  nb::gil_scoped_release released;
  const int before = forced_threads();
  force_threads(threads);
  double best = 0;
  {
    Crew crew(1e12);
    const auto start = std::chrono::steady_clock::now();
    do {
      const auto from = std::chrono::steady_clock::now();
      std::atomic<long long> flops{0};
      crew.share(1e12, [&](int, int) {
        const double done = single ? kernels<float>()->multiply_adds(200000) : kernels<double>()->multiply_adds(200000);
        flops += static_cast<long long>(done);
      });
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - from;
      best = std::max(best, double(flops) / took.count());
    } while (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() < seconds);
  }
  force_threads(before);
  return best;
}

}  // namespace

NB_MODULE(_native, module) {
  module.doc() = "The native core: the equations of backpropagation as fused kernels. See native/README.md.";
  nb::set_leak_warnings(false);  // a lens's hooks may well outlive the interpreter's modules
  declare<float>(module, "32");
  declare<double>(module, "64");
  module.def("isa", &current_isa, "The instruction set whose kernels run.");
  module.def("available_isas", &available_isas, "Those this CPU can run, best first.");
  module.def("set_isa", &set_isa, "isa"_a, "Chooses an instruction set for what is made from now on; 'auto': the best.");
  module.def("allowed_threads", &allowed_threads, "How many threads may work.");
  module.def("force_threads", &force_threads, "threads"_a, "Exactly so many in every phase; 0: by the size of the work.");
  module.def("peak_flops", &peak_flops, "threads"_a = 1, "single"_a = true, "seconds"_a = 0.2,
             "Multiply-adds that stay in registers, times two, a second: the roof.");
}
