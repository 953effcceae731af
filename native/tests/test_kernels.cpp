// Each kernel against its naive twin, on ragged shapes, by way of the passes that call it.
#include "../core/dispatch.hpp"
#include "../core/pass.hpp"
#include "check.hpp"

namespace backlit::tests {

namespace {

constexpr Activation HIDDEN[] = {Activation::identity, Activation::sigmoid,  Activation::tanh, Activation::relu,
                                 Activation::leaky_relu, Activation::elu,    Activation::gelu, Activation::silu,
                                 Activation::softplus};

template <class T>
double limit() {
  return sizeof(T) == 4 ? 5e-6 : 1e-13;
}

// One pass through n_1 → n_2 → n_3 with softmax and cross-entropy, every quantity against the plain loops.
template <class T>
void whole_pass(Activation hidden, int m, int n_1, int n_2, int n_3) {
  const std::vector<LayerSpec> specs = {{n_1, n_2, hidden, 0.0}, {n_2, n_3, Activation::softmax, 0.0}};
  const auto x = random_matrix(m, n_1, 1);
  auto W_2 = random_matrix(n_2, n_1, 2), W_3 = random_matrix(n_3, n_2, 3);
  for (double& w : W_2.numbers) w /= 8;  // so that no neuron is so saturated that σ' has lost its digits
  const auto b_2 = random_matrix(1, n_2, 4).numbers, b_3 = random_matrix(1, n_3, 5).numbers;
  naive::Matrix y(m, n_3);
  for (int i = 0; i < m; ++i) y(i, i % n_3) = 1;

  std::vector<T> theta;
  const std::initializer_list<const std::vector<double>*> parts = {&W_2.numbers, &b_2, &W_3.numbers, &b_3};
  for (const auto* part : parts) theta.insert(theta.end(), part->begin(), part->end());
  const Kernels<T>& table = *kernels<T>();
  Crew crew(1e9);
  Parameters<T> parameters(table, specs, true);
  parameters.load(crew, theta.data());
  std::vector<T> back(theta.size());
  parameters.store(crew, back.data());
  CHECK(back == theta, "packing and unpacking changed θ, %d-%d-%d", n_1, n_2, n_3);

  typename Pass<T>::Wants wants;
  wants.everything = true, wants.unit_rows = m;
  Pass<T> pass(table, specs, m + 3, wants);  // room for more rows than come
  const auto X = as<T>(x), Y = as<T>(y);
  pass.gather(crew, X.data(), Y.data(), nullptr, nullptr, 0, m);
  pass.feed_forward(crew, parameters, nullptr);
  pass.output_error(crew, {Cost::cross_entropy, true, 0.0}, Decision::argmax);
  pass.backpropagate_error(crew, parameters);
  pass.prepare_gradients(crew);

  const auto z_2 = naive::weighted_input(x, W_2, b_2), a_2 = naive::activate(hidden, z_2);
  const auto z_3 = naive::weighted_input(a_2, W_3, b_3), a_3 = naive::activate(Activation::softmax, z_3);
  const auto delta_3 = naive::fused_output_error(a_3, y);
  const auto delta_2 = naive::backpropagate_error(delta_3, W_3, hidden, z_2);
  auto same = [&](const naive::Matrix& right, auto copy, const char* what) {
    std::vector<T> found(right.numbers.size());
    copy(found.data());
    const double off = distance(found, right.numbers);
    CHECK(off < limit<T>(), "%s: %g at m %d, %d-%d-%d, activation %d", what, off, m, n_1, n_2, n_3, int(hidden));
  };
  same(z_2, [&](T* to) { pass.copy_z(0, to); }, "z of layer 2");
  same(a_2, [&](T* to) { pass.copy_a(0, to); }, "a of layer 2");
  same(a_3, [&](T* to) { pass.copy_a(1, to); }, "a of layer 3");
  same(delta_3, [&](T* to) { pass.copy_delta(1, to); }, "delta of layer 3 (BP1)");
  same(delta_2, [&](T* to) { pass.copy_delta(0, to); }, "delta of layer 2 (BP2)");

  const double penalty = 0.25;
  Parameters<T> gradient(table, specs, false);
  for (std::size_t l = 0; l < 2; ++l) {
    WeightGradient<T> w = pass.weight_gradient(l, parameters, penalty);
    w.gradient = gradient[l].weights.get(), w.bias_gradient = gradient[l].bias.get();
    table.weight_gradient(w, 0, table.weight_gradient_items(w));
  }
  std::vector<T> found(theta.size());
  gradient.store(crew, found.data());
  std::vector<double> right;
  const auto g_2 = naive::weight_gradient(delta_2, x, W_2, penalty), g_3 = naive::weight_gradient(delta_3, a_2, W_3, penalty);
  const auto h_2 = naive::bias_gradient(delta_2), h_3 = naive::bias_gradient(delta_3);
  for (const auto* part : {&g_2.numbers, &h_2, &g_3.numbers, &h_3}) right.insert(right.end(), part->begin(), part->end());
  CHECK(distance(found, right) < limit<T>(), "gradient (BP3, BP4): %g at m %d", distance(found, right), m);
}

// The update, fused with BP4 and apart from it: the naive numbers, and each other's bits.
template <class T>
void updates(Rule rule, int m, int inputs, int neurons) {
  const std::vector<LayerSpec> specs = {{inputs, neurons, Activation::identity, 0.0}};
  const auto x = random_matrix(m, inputs, 6), W = random_matrix(neurons, inputs, 7), y = random_matrix(m, neurons, 8);
  std::vector<T> theta = as<T>(W);
  theta.resize(theta.size() + std::size_t(neurons));
  const Kernels<T>& table = *kernels<T>();
  Crew crew(1e9);
  std::vector<T> results[2];
  for (int fused = 0; fused < 2; ++fused) {
    Parameters<T> parameters(table, specs, true), s0(table, specs, false), s1(table, specs, false), g(table, specs, false);
    parameters.load(crew, theta.data());
    typename Pass<T>::Wants wants;
    wants.unit_rows = m;
    Pass<T> pass(table, specs, m, wants);
    const auto X = as<T>(x), Y = as<T>(y);
    pass.gather(crew, X.data(), Y.data(), nullptr, nullptr, 0, m);
    pass.feed_forward(crew, parameters, nullptr);
    pass.output_error(crew, {Cost::quadratic, false, 0.0}, Decision::none);
    pass.prepare_gradients(crew);
    WeightGradient<T> w = pass.weight_gradient(0, parameters, 0.0);
    w.update = Update<T>{rule, T(0.125), T(0.5), T(0.5), T(0.75), T(0.25), T(2), T(0.0625), rule == Rule::adamw ? T(0.5) : T(1)};
    w.slots[0] = s0[0].weights.get(), w.slots[1] = s1[0].weights.get();
    w.bias_slots[0] = s0[0].bias.get(), w.bias_slots[1] = s1[0].bias.get();
    if (!fused) w.gradient = g[0].weights.get(), w.bias_gradient = g[0].bias.get();
    table.weight_gradient(w, 0, table.weight_gradient_items(w));
    if (!fused) table.update(w, 0, table.weight_gradient_items(w));
    results[fused].resize(theta.size());
    parameters.store(crew, results[fused].data());

    std::vector<double> right;
    const auto a = naive::weighted_input(x, W, std::vector<double>(std::size_t(neurons)));
    const auto delta = naive::fused_output_error(a, y);
    const auto gradient = naive::weight_gradient(delta, x, W, 0.0);
    const auto bias = naive::bias_gradient(delta);
    for (std::size_t k = 0; k < theta.size(); ++k) {
      double slot_0 = 0, slot_1 = 0;
      const double before = k < W.numbers.size() ? W.numbers[k] : 0;
      const double step = k < W.numbers.size() ? gradient.numbers[k] : bias[k - W.numbers.size()];
      right.push_back(naive::update(w.update, before, step, slot_0, slot_1));
    }
    const double off = distance(results[fused], right);
    CHECK(off < limit<T>(), "rule %d, fused %d: %g", int(rule), fused, off);
  }
  CHECK(results[0] == results[1], "rule %d: fused and unfused differ in their bits", int(rule));
}

template <class T>
void dropout(int neurons, double p) {
  const std::vector<LayerSpec> specs = {{1, neurons, Activation::identity, p}, {neurons, 1, Activation::identity, 0.0}};
  const Kernels<T>& table = *kernels<T>();
  const int m = 5;
  Crew crew(1e9);
  Parameters<T> parameters(table, specs, true);
  typename Pass<T>::Wants wants;
  wants.dropout = true;
  Pass<T> pass(table, specs, m, wants);
  const std::vector<T> X(m, T(1));
  pass.gather(crew, X.data(), X.data(), nullptr, nullptr, 0, m);
  const Draw draw{12345678901234567890ull, 77};
  pass.feed_forward(crew, parameters, &draw);
  std::vector<T> mask(std::size_t(m * neurons));
  pass.copy_mask(0, mask.data());
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < neurons; ++j)
      CHECK((mask[std::size_t(i * neurons + j)] > 0) == naive::keeps(draw.seed, draw.step, 2, neurons, p, i, j),
            "mask of row %d, neuron %d of %d", i, j, neurons);
}

}  // namespace

template <class T>
void test_kernels_of() {
  const int batches[] = {1, 2, 7, 33, 300}, sizes[] = {1, 7, 16, 17, 49, 100};
  int k = 0;
  for (Activation hidden : HIDDEN)
    for (int m : batches) whole_pass<T>(hidden, m, sizes[k % 6], sizes[(k + 1 + k / 6) % 6], sizes[(k + 3) % 6]), ++k;
  whole_pass<T>(Activation::relu, 12, 784, 30, 10);
  for (int m : {64, 65, 100}) whole_pass<T>(Activation::relu, m, 257, 513, 300);
  for (int rule = 0; rule < 6; ++rule)
    for (int m : {1, 33}) updates<T>(Rule(rule), m, 50, 17), updates<T>(Rule(rule), 64 + m, 513, 257);
  for (int neurons : {1, 8, 33, 100}) dropout<T>(neurons, 0.3);
}

void test_kernels() {
  test_kernels_of<float>();
  test_kernels_of<double>();
}

}  // namespace backlit::tests
