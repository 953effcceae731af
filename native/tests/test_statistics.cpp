// What the lens keeps of a step against its plain twin: sums of the pass, of the update, of rows; on ragged shapes, with
// what an earlier and larger batch left behind, on any number of threads; and a training's bits, measured or not.
#include "../core/dispatch.hpp"
#include "../core/session.hpp"
#include "../naive/statistics.hpp"
#include "check.hpp"

#include <numeric>

namespace backlit::tests {

namespace {

constexpr double RATE = 0.125, PENALTY = 0.25;

// In float32 a block is summed in float32, as far as 2e-6 from float64's sum: statistics.py's own limit.
template <class T>
double limit() {
  return sizeof(T) == 4 ? 2e-6 : 1e-12;
}

struct Case {
  std::vector<int> sizes;
  std::vector<Activation> activations;
  int m;
  double dropout = 0, penalty = 0, clip = 1;  // clip: by how much the gradient is scaled before it is applied
  bool weighted = false;
  Rule rule = Rule::adam;
};

template <class T>
struct Step {
  const Case& c;
  const Kernels<T>& table;
  std::vector<LayerSpec> specs;
  std::vector<T> X, Y, weights, theta;
  Crew crew{1e9};
  std::unique_ptr<Parameters<T>> parameters, gradient, slots[2];
  std::unique_ptr<Pass<T>> pass;
  std::unique_ptr<Measure<T>> measure;
  std::vector<WeightGradient<T>> work;
  std::vector<double> layers;
  std::vector<float> row_costs, row_gradients;

  explicit Step(const Case& c_, const Kernels<T>& table_) : c(c_), table(table_) {
    const std::size_t L = c.activations.size();
    for (std::size_t l = 0; l < L; ++l)
      specs.push_back({c.sizes[l], c.sizes[l + 1], c.activations[l], l + 1 < L ? c.dropout : 0.0});
    const int larger = c.m + 40;  // the batch before: its rows must not be counted
    X = as<T>(random_matrix(larger, c.sizes.front(), 1)), Y = as<T>(random_matrix(larger, c.sizes.back(), 2));
    for (int i = 0; i < larger; ++i) weights.push_back(c.weighted ? T(1 + i % 3) / 2 : T(1));
    for (std::size_t l = 0; l < L; ++l) {
      const auto W = as<T>(random_matrix(c.sizes[l + 1], c.sizes[l], unsigned(10 + l)));
      const auto b = as<T>(random_matrix(1, c.sizes[l + 1], unsigned(20 + l)));
      for (T w : W) theta.push_back(w / T(std::sqrt(double(c.sizes[l]))));
      theta.insert(theta.end(), b.begin(), b.end());
    }
    parameters = std::make_unique<Parameters<T>>(table, specs, true);
    for (auto* part : {&gradient, &slots[0], &slots[1]}) *part = std::make_unique<Parameters<T>>(table, specs, false);
    parameters->load(crew, theta.data());
    typename Pass<T>::Wants wants{true, true, c.dropout > 0, c.weighted};
    pass = std::make_unique<Pass<T>>(table, specs, larger, wants);
    measure = std::make_unique<Measure<T>>(table, specs, larger);
    there_and_back(larger);
    measure->over_pass(crew, *pass);
    there_and_back(c.m);
  }

  void there_and_back(int m) {
    const Draw draw{99, 7};
    pass->gather(crew, X.data(), Y.data(), weights.data(), nullptr, 0, m);
    pass->feed_forward(crew, *parameters, c.dropout > 0 ? &draw : nullptr);
    pass->output_error(crew, {Cost::quadratic, false, 0.0}, Decision::none);
    pass->backpropagate_error(crew, *parameters);
    pass->prepare_gradients(crew);
  }

  // Seen while it is formed (fused) or from where it was stored, as it must be where it is clipped.
  void update(bool fused) {
    measure->over_pass(crew, *pass);
    for (std::size_t l = 0; l < specs.size(); ++l) {
      WeightGradient<T> w = pass->weight_gradient(l, *parameters, c.penalty);
      const bool adamw = c.rule == Rule::adamw;
      w.update = Update<T>{c.rule, T(RATE), T(0.5), T(0.5), T(0.75), T(0.25), T(2), T(0.0625), adamw ? T(0.5) : T(1)};
      for (int k = 0; k < 2; ++k) w.slots[k] = (*slots[k])[l].weights.get(), w.bias_slots[k] = (*slots[k])[l].bias.get();
      if (!fused) w.gradient = (*gradient)[l].weights.get(), w.bias_gradient = (*gradient)[l].bias.get();
      w.gradient_scale = T(c.clip);
      work.push_back(w);
    }
    measure->observe(work);
    for (const WeightGradient<T>& w : work) {
      table.weight_gradient(w, 0, table.weight_gradient_items(w));
      if (!fused) table.update(w, 0, table.weight_gradient_items(w));
    }
    layers.assign(specs.size() * STATISTICS, -1);
    row_costs.assign(std::size_t(c.m), -1), row_gradients = row_costs;
    Measurements to{nullptr, layers.data(), row_costs.data(), row_gradients.data()};
    measure->hand_over(*pass, work, RATE, to);
  }

  template <class Copy>
  naive::Matrix copied(int columns, Copy copy) const {
    std::vector<T> numbers(std::size_t(c.m) * std::size_t(columns));
    copy(numbers.data());
    naive::Matrix matrix(c.m, columns);
    matrix.numbers.assign(numbers.begin(), numbers.end());
    return matrix;
  }
};

constexpr const char* NAMES[] = {"z", "a", "delta", "slope", "saturated", "zero", "dead", "W", "b", "weight_gradient",
                                 "bias_gradient", "data_gradient", "weight_update", "bias_update", "descent", "rows"};
enum Sum { SATURATED = 4, ZERO, DEAD, W_SQUARE, B_SQUARE, G_W, G_B, WEIGHT_UPDATE = 12, BIAS_UPDATE, DESCENT };

template <class T>
void one_step(const Case& c, bool fused) {
  Step<T> step(c, *kernels<T>());
  step.update(fused);
  std::vector<double> by_row(std::size_t(c.m)), weights(step.weights.begin(), step.weights.begin() + c.m);
  naive::Matrix a_before = step.copied(c.sizes[0], [&](T* to) { step.pass->copy_x(to); });
  std::size_t at = 0;
  for (std::size_t l = 0; l < step.specs.size(); ++l) {
    const int n = c.sizes[l + 1], inputs = c.sizes[l];
    const naive::LayerPass layer{
        c.activations[l], step.copied(n, [&](T* to) { step.pass->copy_z(l, to); }),
        step.copied(n, [&](T* to) { step.pass->copy_sigma(l, to); }),
        step.copied(n, [&](T* to) { step.pass->copy_a(l, to); }),
        step.copied(n, [&](T* to) { step.pass->copy_delta(l, to); })};
    // A slope that lies within rounding of the limit may be counted either way.
    const bool gentle = c.activations[l] == Activation::sigmoid || c.activations[l] == Activation::softmax;
    const double flat = 0.05 * (gentle ? 0.25 : 1.0);
    naive::LayerStatistics right{}, most{}, least{};
    naive::add_pass(right, layer, a_before, weights, flat);
    naive::add_pass(most, layer, a_before, weights, flat + 1e-6);
    naive::add_pass(least, layer, a_before, weights, flat - 1e-6);
    for (int i = 0; i < c.m; ++i) by_row[std::size_t(i)] += naive::row_gradient_square(layer.delta, a_before, i);

    auto part = [&](std::size_t count) {
      std::vector<double> numbers(step.theta.begin() + std::ptrdiff_t(at), step.theta.begin() + std::ptrdiff_t(at + count));
      at += count;
      return numbers;
    };
    naive::Matrix W(n, inputs), weighted = layer.delta;
    W.numbers = part(W.numbers.size());
    const std::vector<double> b = part(std::size_t(n));
    for (int i = 0; i < c.m; ++i)
      for (int j = 0; j < n; ++j) weighted(i, j) *= weights[std::size_t(i)];
    const naive::Matrix g_W = naive::weight_gradient(weighted, a_before, W, c.penalty);
    const std::vector<double> g_b = naive::bias_gradient(weighted);
    auto change = [&](const std::vector<double>& before, const std::vector<double>& g) {
      std::vector<double> difference;
      for (std::size_t k = 0; k < before.size(); ++k) {
        double slot_0 = 0, slot_1 = 0;
        difference.push_back(naive::update(step.work[l].update, before[k], g[k] * c.clip, slot_0, slot_1) - before[k]);
      }
      return difference;
    };
    naive::add_update(right, W.numbers, b, g_W.numbers, g_b, change(W.numbers, g_W.numbers), change(b, g_b), c.penalty);

    const double* found = step.layers.data() + l * STATISTICS;
    const auto* sums = reinterpret_cast<const double*>(&right);
    for (int k = 0; k < STATISTICS; ++k) {
      double off = limit<T>() * std::abs(sums[k]);
      // Gradients are sums that cancel; an update is a difference of θ as rounded.
      const double roundings = sizeof(T) == 4 ? 6e-8 : 1.1e-16;
      const double theta = std::sqrt(sums[W_SQUARE] + sums[B_SQUARE]), g = std::sqrt(sums[G_W] + sums[G_B]);
      if (k >= G_W && k < WEIGHT_UPDATE) off *= 5;
      if (k == WEIGHT_UPDATE || k == BIAS_UPDATE) off = 5 * off + 4 * roundings * std::sqrt(sums[k]) * theta;
      if (k == DESCENT) off = g * (5 * limit<T>() * std::sqrt(sums[WEIGHT_UPDATE] + sums[BIAS_UPDATE]) + 2 * roundings * theta);
      const bool counted = k == SATURATED || k == DEAD;
      const bool same = counted     ? found[k] >= reinterpret_cast<const double*>(&least)[k] &&
                                      found[k] <= reinterpret_cast<const double*>(&most)[k]
                        : k == ZERO ? found[k] == sums[k]
                                    : std::abs(found[k] - sums[k]) <= off;
      CHECK(same, "%s of layer %d: %.17g, not %.17g, at m %d, %d inputs, %d neurons, activation %d, rule %d, fused %d",
            NAMES[k], int(l) + 2, found[k], sums[k], c.m, inputs, n, int(c.activations[l]), int(c.rule), int(fused));
    }
    a_before = layer.a;
  }
  for (int i = 0; i < c.m; ++i) {
    const double right = std::sqrt(by_row[std::size_t(i)]);
    CHECK(std::abs(double(step.row_gradients[std::size_t(i)]) - right) <= 2e-6 * right, "row %d of %d", i, c.m);
    CHECK(step.row_costs[std::size_t(i)] == float(step.pass->row_costs()[i]), "cost of row %d", i);
  }
}

// The same pass as rows, as somebody else's would come: the same bits.
template <class T>
void as_rows(const Case& c) {
  Step<T> step(c, *kernels<T>());
  step.update(true);
  const std::size_t m = std::size_t(c.m);
  std::vector<T> x(m * std::size_t(c.sizes[0])), of_rows(m);
  step.pass->copy_x(x.data());
  std::vector<std::vector<T>> kept;
  std::vector<LayerRows<T>> layers;
  for (std::size_t l = 0; l < step.specs.size(); ++l) {
    for (int k = 0; k < 4; ++k) kept.emplace_back(m * std::size_t(c.sizes[l + 1]));
    auto* room = kept.data() + 4 * l;
    step.pass->copy_z(l, room[0].data()), step.pass->copy_sigma(l, room[1].data());
    step.pass->copy_a(l, room[2].data()), step.pass->copy_delta(l, room[3].data());
  }
  for (std::size_t l = 0; l < step.specs.size(); ++l) {
    const auto* room = kept.data() + 4 * l;
    const bool drops = step.specs[l].dropout > 0;
    const T* sigma = c.activations[l] == Activation::relu ? room[0].data() : room[1].data();
    layers.push_back({room[0].data(), sigma, drops ? room[2].data() : sigma, room[3].data()});
  }
  Measure<T> measure(step.table, step.specs, c.m + 5);
  std::vector<double> sums(step.layers.size(), -1);
  measure.over_rows(c.m, x.data(), layers, sums.data(), of_rows.data());
  for (std::size_t k = 0; k < sums.size(); ++k) {
    const bool of_pass = k % STATISTICS < W_SQUARE || k % STATISTICS == STATISTICS - 1;
    CHECK(sums[k] == (of_pass ? step.layers[k] : -1), "sum %d of rows, m %d", int(k), c.m);
  }
  for (std::size_t i = 0; i < m; ++i) CHECK(float(of_rows[i]) == step.row_gradients[i], "row %d as a row", int(i));
}

template <class T>
void any_number_of_threads() {
  const Case c{{20, 64, 49, 3}, {Activation::relu, Activation::tanh, Activation::softmax}, 300};
  std::vector<double> expected;
  std::vector<float> of_rows;
  for (int threads : {1, 2, 3, 8}) {
    force_threads(threads);
    Step<T> step(c, *kernels<T>());
    step.update(true);
    if (expected.empty()) expected = step.layers, of_rows = step.row_gradients;
    CHECK(step.layers == expected && step.row_gradients == of_rows, "%d threads", threads);
  }
  force_threads(0);
}

// What is not finite in one row is in the sums, and in that row's gradient alone.
template <class T>
void what_is_not_finite() {
  for (Activation hidden : {Activation::relu, Activation::sigmoid}) {
    const Case c{{5, 17, 2}, {hidden, Activation::identity}, 40};
    Step<T> step(c, *kernels<T>());
    step.X[5 * 3] = std::numeric_limits<T>::quiet_NaN();
    step.there_and_back(c.m);
    step.update(true);
    CHECK(std::isnan(step.layers[0]) && std::isnan(step.layers[1]), "NaN in z and a");
    for (int i = 0; i < c.m; ++i) CHECK(std::isfinite(step.row_gradients[std::size_t(i)]) == (i != 3), "row %d", i);
  }
}

// The sums of an update that somebody else made; afterwards `before` is `after`.
template <class T>
void measured_updates() {
  for (int count : {0, 1, 7, 8, 15, 16, 17, 511, 512, 513, 1023, 1024, 1025, 5000}) {
    const auto before = random_matrix(1, count, 1), change = random_matrix(1, count, 2), g = random_matrix(1, count, 3);
    std::vector<T> theta = as<T>(before), after = theta;
    for (std::size_t k = 0; k < after.size(); ++k) after[k] += T(change.numbers[k] / 8);
    std::vector<double> wide(theta.begin(), theta.end()), difference(after.begin(), after.end());
    for (std::size_t k = 0; k < wide.size(); ++k) difference[k] = double(T(after[k] - theta[k]));
    double sums[4] = {-1, -1, -1, -1};
    kernels<T>()->measure_update(theta.data(), after.data(), as<T>(g).data(), count, sums);
    const double right[] = {naive::square(g.numbers), naive::square(wide), naive::square(difference),
                            naive::product(g.numbers, difference)};
    const double size[] = {right[0], right[1], right[2], std::sqrt(right[0] * right[2])};
    for (int k = 0; k < 4; ++k) CHECK(std::abs(sums[k] - right[k]) <= limit<T>() * size[k], "sum %d of %d", k, count);
    CHECK(theta == after, "θ after, of %d", count);
  }
}

// A training measured at some of its steps has the bits of one that is not, on any number of threads.
template <class T>
void same_bits() {
  constexpr int ROWS = 70, STEPS = 7;
  const auto X = as<T>(random_matrix(ROWS, 20, 1)), Y = as<T>(random_matrix(ROWS, 3, 2));
  std::vector<T> weights(ROWS, T(1)), theta = as<T>(random_matrix(1, 20 * 60 + 60 + 60 * 3 + 3, 3));
  for (T& number : theta) number /= 8;
  std::vector<std::int64_t> order(ROWS);
  std::iota(order.rbegin(), order.rend(), 0);
  const std::vector<LayerSpec> specs = {{20, 60, Activation::relu, 0.25}, {60, 3, Activation::identity, 0.0}};
  auto trained = [&](int threads, Rule rule, double clip, const std::vector<std::uint8_t>& wanted) {
    force_threads(threads);
    Session<T> session(*kernels<T>(), specs, {Cost::huber, false, 0.01},
                       {X.data(), Y.data(), weights.data(), ROWS, Decision::none}, {{rule, 0.9, 0.999, 1e-8, 0.1}, 10, 99, clip});
    session.load(theta.data(), {});
    std::vector<double> rates(STEPS, 0.01), costs(STEPS), hits(STEPS), sums(STEPS), layers(2 * STATISTICS * STEPS);
    std::vector<float> of_rows(ROWS), costs_of_rows(ROWS);
    Measurements to{wanted.data(), layers.data(), costs_of_rows.data(), of_rows.data()};
    session.run(order.data(), 0, 0, STEPS, rates.data(), {costs.data(), hits.data(), sums.data()}, {},
                wanted.empty() ? nullptr : &to);
    std::vector<T> result(theta.size());
    session.store(result.data(), {});
    result.insert(result.end(), costs.begin(), costs.end());
    force_threads(0);
    return result;
  };
  for (int rule = 0; rule < 6; ++rule)
    for (double clip : {-1.0, 0.01}) {
      const auto expected = trained(1, Rule(rule), clip, {});
      for (int threads : {1, 2, 3})
        for (const auto& wanted : {std::vector<std::uint8_t>(STEPS, 1), std::vector<std::uint8_t>{0, 1, 1, 0, 0, 1, 0}})
          CHECK(trained(threads, Rule(rule), clip, wanted) == expected, "rule %d, clip %g, %d threads", rule, clip, threads);
    }
}

template <class T>
void test_statistics_of() {
  constexpr Activation EVERY[] = {Activation::identity, Activation::sigmoid, Activation::tanh,
                                  Activation::relu,     Activation::leaky_relu, Activation::elu,
                                  Activation::gelu,     Activation::silu,    Activation::softplus};
  const int batches[] = {1, 2, 7, 31, 32, 33, 100}, sizes[] = {1, 7, 16, 17, 31, 33, 48, 49, 97, 100};
  int k = 0;
  for (Activation hidden : EVERY)
    for (int m : batches) {
      Case c{{sizes[k % 10], sizes[(k + 3) % 10], sizes[(k * 7 + 5) % 10], sizes[(k * 3 + 1) % 10]},
             {hidden, EVERY[k % 9], k % 2 ? Activation::softmax : Activation::sigmoid},
             m};
      c.dropout = k % 3 ? 0 : 0.3, c.penalty = k % 4 ? 0 : PENALTY, c.weighted = k % 5 == 0, c.rule = Rule(k % 6);
      one_step<T>(c, true), ++k;
      c.weighted = false;
      as_rows<T>(c);
    }
  one_step<T>({{784, 30, 10}, {Activation::sigmoid, Activation::sigmoid}, 10, 0, 0, 1, false, Rule::sgd}, true);
  for (int rule = 0; rule < 6; ++rule)
    for (double penalty : {0.0, PENALTY}) {
      const std::vector<Activation> activations = {Activation::relu, Activation::tanh, Activation::exponential};
      const Case c{{50, 33, 17, 5}, activations, 33, 0, penalty, 0.5, true, Rule(rule)};
      Case whole = c;
      whole.clip = 1;
      one_step<T>(c, false), one_step<T>(whole, false), one_step<T>(whole, true);
    }
  any_number_of_threads<T>();
  what_is_not_finite<T>();
  measured_updates<T>();
  same_bits<T>();
}

}  // namespace

void test_statistics() {
  test_statistics_of<float>();
  test_statistics_of<double>();
}

}  // namespace backlit::tests
