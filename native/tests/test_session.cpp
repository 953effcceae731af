// A training as a whole: the same bits for any number of threads, recorded or not; stopping between steps.
#include "../core/dispatch.hpp"
#include "../core/session.hpp"
#include "check.hpp"

#include <numeric>
#include <thread>

namespace backlit::tests {

namespace {

constexpr int ROWS = 70, STEPS = 7;

template <class T>
struct Problem {
  std::vector<T> X = as<T>(random_matrix(ROWS, 20, 1)), Y = as<T>(random_matrix(ROWS, 3, 2)), weights;
  std::vector<T> theta;
  std::vector<std::int64_t> order;
  Problem() : weights(ROWS), theta(as<T>(random_matrix(1, 20 * 60 + 60 + 60 * 3 + 3, 3))), order(ROWS) {
    for (int i = 0; i < ROWS; ++i) weights[std::size_t(i)] = T(1 + i % 3) / 2;
    for (T& number : theta) number /= 8;
    std::iota(order.begin(), order.end(), 0);
    std::swap(order[0], order[60]);
  }
  std::unique_ptr<Session<T>> session(double clip) const {
    const std::vector<LayerSpec> specs = {{20, 60, Activation::tanh, 0.25}, {60, 3, Activation::identity, 0.0}};
    return std::make_unique<Session<T>>(
        *kernels<T>(), specs, ObjectiveSpec{Cost::huber, false, 0.01},
        DataView<T>{X.data(), Y.data(), weights.data(), ROWS, Decision::none},
        PlanSpec{{Rule::adam, 0.9, 0.999, 1e-8, 0.0}, 10, 99, clip});
  }
};

template <class T>
std::vector<T> trained(const Problem<T>& problem, int threads, int recorded_step, double clip) {
  force_threads(threads);
  auto session = problem.session(clip);
  session->load(problem.theta.data(), {});
  std::vector<double> rates(STEPS, 0.01), costs(STEPS), hits(STEPS), weights(STEPS);
  for (int step = 0; step < STEPS; ++step) {
    const Report report{&costs[std::size_t(step)], &hits[std::size_t(step)], &weights[std::size_t(step)]};
    if (step == recorded_step)
      session->run_recorded(problem.order.data(), step, step, 0.01, report);
    else
      session->run(problem.order.data(), step, step, 1, &rates[std::size_t(step)], report, {});
  }
  std::vector<T> theta(problem.theta.size()), m(theta.size()), v(theta.size());
  session->store(theta.data(), {m.data(), v.data()});
  theta.insert(theta.end(), m.begin(), m.end());
  theta.insert(theta.end(), v.begin(), v.end());
  theta.insert(theta.end(), costs.begin(), costs.end());
  force_threads(0);
  return theta;
}

template <class T>
void same_bits() {
  const Problem<T> problem;
  for (double clip : {-1.0, 0.01}) {
    const auto expected = trained(problem, 1, -1, clip);
    for (int threads : {1, 2, 3, 8})
      for (int recorded : {-1, 0, 3})
        CHECK(trained(problem, threads, recorded, clip) == expected, "%d threads, recorded %d", threads, recorded);
  }
}

void stops() {
  const Problem<float> problem;
  auto session = problem.session(-1);
  session->load(problem.theta.data(), {});
  std::vector<double> numbers(STEPS, 0.01);
  int asked = 0;
  const auto done = session->run(problem.order.data(), 0, 0, STEPS, numbers.data(),
                                 {numbers.data(), numbers.data(), numbers.data()}, [&] { return ++asked, true; });
  CHECK(done <= STEPS, "more steps than asked for");
}

// Several callers at once: one has the pool, the others work alone.
void callers_at_once() {
  const Problem<float> problem;
  force_threads(2);
  const auto expected = [&] {
    auto session = problem.session(-1);
    session->load(problem.theta.data(), {});
    std::vector<double> n(STEPS, 0.01);
    session->run(problem.order.data(), 0, 0, STEPS, n.data(), {n.data(), n.data(), n.data()}, {});
    std::vector<float> theta(problem.theta.size());
    session->store(theta.data(), {});
    return theta;
  };
  std::vector<float> results[4];
  std::vector<std::thread> threads;
  for (auto& result : results) threads.emplace_back([&result, &expected] { result = expected(); });
  for (auto& thread : threads) thread.join();
  for (const auto& result : results) CHECK(result == results[0], "callers at once");
  force_threads(0);
}

}  // namespace

void test_session() {
  same_bits<float>();
  same_bits<double>();
  stops();
  callers_at_once();
}

}  // namespace backlit::tests
